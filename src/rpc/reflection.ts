/**
 * Server reflection, v1 and v1alpha, straight from the descriptors inside the generated code.
 *
 * Layer: rpc. Source: github.com/grpc/grpc/blob/master/doc/server-reflection.md. The descriptors are part of the
 * module graph, so a compiled executable needs no file for them.
 *
 * @module
 */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { AnyDesc, DescFile } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../../proto/gen/grpc/reflection/v1/reflection_pb.ts";
import type {
  ServerReflectionRequest,
  ServerReflectionResponse,
} from "../../proto/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../proto/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { CairnError, GRPC_STATUS } from "../kernel/errors.ts";
import type { BidiHandler, DescService, ServiceHandlers } from "./types.ts";

/** The part of the server that reflection needs. */
export interface ReflectionHost {
  add<S extends DescService>(service: S, handlers: ServiceHandlers<S>): unknown;
}

type Question = ServerReflectionRequest["messageRequest"];
type Answer = ServerReflectionResponse["messageResponse"];

/** Adds both versions of the reflection service, which describe `services` and themselves. */
export function addReflection(host: ReflectionHost, services: readonly DescService[]): void {
  const index = new DescriptorIndex([...services, ServerReflection, ServerReflectionAlpha]);
  // The versions differ in the name of their package only, which is not on the wire: one raw handler serves both.
  const handle: BidiHandler<Uint8Array, Uint8Array> = (call) => ({
    message(bytes) {
      if (call.send(answerBytes(index, bytes))) return;
      call.pause();
      void call.drained().then(() => call.resume());
    },
    halfClosed: () => call.end(),
    closed: () => {},
  });
  host.add(ServerReflection, { serverReflectionInfo: { raw: true, handle } });
  host.add(ServerReflectionAlpha, { serverReflectionInfo: { raw: true, handle } });
}

function answerBytes(index: DescriptorIndex, bytes: Uint8Array): Uint8Array {
  const request = decodeRequest(bytes);
  const response = create(ServerReflectionResponseSchema, {
    validHost: request.host,
    originalRequest: request,
    messageResponse: index.answer(request.messageRequest),
  });
  return toBinary(ServerReflectionResponseSchema, response);
}

function decodeRequest(bytes: Uint8Array): ServerReflectionRequest {
  try {
    return fromBinary(ServerReflectionRequestSchema, bytes);
  } catch (cause) {
    throw new CairnError("MALFORMED_MESSAGE", "Cannot decode reflection request", { cause });
  }
}

/** Files by name and by the symbols they declare. */
class DescriptorIndex {
  readonly #services: readonly string[];
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();

  constructor(services: readonly DescService[]) {
    this.#services = services.map((service) => service.typeName).sort();
    for (const service of services) this.#addFile(service.file);
  }

  answer(question: Question): Answer {
    switch (question.case) {
      case "listServices":
        return listServices(this.#services);
      case "fileByFilename":
        // The runtime keeps file names without their extension.
        return fileAnswer(this.#files.get(question.value.replace(/\.proto$/, "")), question.value);
      case "fileContainingSymbol":
        return fileAnswer(this.#symbols.get(question.value.replace(/^\./, "")), question.value);
      case "fileContainingExtension":
      case "allExtensionNumbersOfType":
        // proto3 files without options declare no extensions.
        return failure(GRPC_STATUS.NOT_FOUND, "no extensions");
      case undefined:
        return failure(GRPC_STATUS.INVALID_ARGUMENT, "no question");
    }
  }

  #addFile(file: DescFile): void {
    if (this.#files.has(file.name)) return;
    this.#files.set(file.name, file);
    for (const desc of nestedTypes(file)) for (const name of symbolsOf(desc)) this.#symbols.set(name, file);
    for (const dependency of file.dependencies) this.#addFile(dependency);
  }
}

/** Full names that a declaration brings. */
function symbolsOf(desc: AnyDesc): string[] {
  if (!("typeName" in desc)) return [];
  const names = [desc.typeName];
  if (desc.kind === "service") {
    for (const method of desc.methods) names.push(`${desc.typeName}.${method.name}`);
  }
  return names;
}

function listServices(names: readonly string[]): Answer {
  const service = names.map((name) => ({ $typeName: "grpc.reflection.v1.ServiceResponse" as const, name }));
  return {
    case: "listServicesResponse",
    value: { $typeName: "grpc.reflection.v1.ListServiceResponse", service },
  };
}

/** The file, followed by everything it imports. */
function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return failure(GRPC_STATUS.NOT_FOUND, `not found: ${asked.slice(0, 256)}`);
  const all = new Set<DescFile>();
  const visit = (next: DescFile) => {
    if (all.has(next)) return;
    all.add(next);
    next.dependencies.forEach(visit);
  };
  visit(file);
  const fileDescriptorProto = [...all].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return {
    case: "fileDescriptorResponse",
    value: { $typeName: "grpc.reflection.v1.FileDescriptorResponse", fileDescriptorProto },
  };
}

function failure(errorCode: number, errorMessage: string): Answer {
  return {
    case: "errorResponse",
    value: { $typeName: "grpc.reflection.v1.ErrorResponse", errorCode, errorMessage },
  };
}
