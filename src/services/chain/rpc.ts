/**
 * The chain over HTTP and JSON-RPC 2.0.
 *
 * Layer: services. Source: spec/kimura.md §5. `submit_message`, `get_block`, `get_height` and the routes `/health`,
 * `/height`, `/block/:height`, `/latest` and `/message` are the original's; the others are this node's.
 *
 * @module
 */

import { z } from "zod";
import { type RpcMethod, rpcMethod, type RpcMethods } from "../../http/json_rpc_method.ts";
import type { HttpRoute } from "../../http/json_rpc.ts";
import { CairnError } from "../../kernel/errors.ts";
import { type ChainApi, messageIdSchema, submissionSchema } from "./api.ts";

const heightSchema = z.int().min(0);
const heightText = z.string().regex(/^\d{1,15}$/, "expected a number").transform(Number);
const senderSchema = z.string().min(1).max(256);

/** The table of methods: parameters by name, or as a list in the same order. */
export function chainMethods(api: ChainApi): RpcMethods {
  return {
    submit_message: named(
      submissionSchema,
      ["sender", "content", "signature", "public_key", "nonce"],
      (given) => api.submit(given),
    ),
    get_block: named(z.object({ height: heightSchema }), ["height"], ({ height }) => api.block(height)),
    get_height: named(z.object({}), [], () => api.height()),
    get_message: named(
      z.object({ message_id: messageIdSchema }),
      ["message_id"],
      ({ message_id: id }) => api.message(id),
    ),
    get_proof: named(
      z.object({ message_id: messageIdSchema }),
      ["message_id"],
      async ({ message_id: id }) => JSON.parse(await api.proof(id)),
    ),
    get_nonce: named(
      z.object({ sender: senderSchema }),
      ["sender"],
      async ({ sender }) => ({ sender, next_nonce: await api.nextNonce(sender) }),
    ),
  };
}

/** A method whose parameters come by name or by position. */
function named<Shape extends z.ZodObject>(
  shape: Shape,
  names: readonly string[],
  handle: (params: z.output<Shape>) => unknown,
): RpcMethod {
  const method = rpcMethod(shape, handle);
  const list = rpcMethod(z.array(z.unknown()).max(names.length), (values) => values);
  return {
    call: (given, call) => {
      if (!Array.isArray(given)) return method.call(given, call);
      const values = list.call(given, call) as unknown[];
      return method.call(Object.fromEntries(values.map((value, i) => [names[i]!, value])), call);
    },
  };
}

/** The routes. `health` is what `/health` says. */
export function chainRoutes(
  api: ChainApi,
  health: () => Readonly<Record<string, unknown>>,
): readonly HttpRoute[] {
  return [
    { method: "GET", path: "/health", handle: () => Response.json(health()) },
    { method: "GET", path: "/height", handle: () => Response.json(api.height()) },
    {
      method: "GET",
      path: "/latest",
      handle: async () => Response.json(await api.block(api.height().height)),
    },
    {
      method: "GET",
      path: "/block/:height",
      async handle({ params, query }) {
        const height = read(heightText, params["height"], "height");
        if (query.get("form") !== "wire") return Response.json(await api.block(height));
        return json(await api.wireBlock(height));
      },
    },
    {
      method: "GET",
      path: "/message/:id",
      handle: async ({ params }) =>
        Response.json(await api.message(read(messageIdSchema, params["id"], "message id"))),
    },
    {
      method: "GET",
      path: "/proof/:id",
      handle: async ({ params }) => json(await api.proof(read(messageIdSchema, params["id"], "message id"))),
    },
    {
      method: "GET",
      path: "/nonce/:sender",
      async handle({ params }) {
        const sender = read(senderSchema, params["sender"], "sender");
        return Response.json({ sender, next_nonce: await api.nextNonce(sender) });
      },
    },
    {
      method: "POST",
      path: "/message",
      async handle({ body }) {
        let value: unknown;
        try {
          value = JSON.parse(body);
        } catch (cause) {
          throw new CairnError("MALFORMED_MESSAGE", "Cannot read the request: the body is not JSON", {
            cause,
          });
        }
        const answer = await api.submit(read(submissionSchema, value, "message"));
        // Forwarded is not done yet.
        return Response.json(answer, { status: answer.status === "accepted" ? 200 : 202 });
      },
    },
  ];
}

function json(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}

/** @throws {CairnError} `USAGE` with what was expected. */
function read<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue!.path.length === 0 ? "" : ` ${issue!.path.join(".")}`;
  throw new CairnError("USAGE", `Cannot read the ${what}${place}: ${issue!.message}`);
}
