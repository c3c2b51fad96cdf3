/**
 * The publishers and subscribers of a soak as its supervisor sees them: processes that say lines, and may be killed.
 *
 * @module
 */

import { linesOf } from "../../tests/support/node_process.ts";
import type { PublisherJob, PublisherMessage, SubscriberJob, SubscriberMessage } from "./messages.ts";

/** Last lines of a process's errors to show when it fails. */
const ERROR_LINES = 20;

/** A process that says messages. */
export interface Child extends AsyncDisposable {
  /** Resolves once it is gone and its last message was handled. */
  readonly over: Promise<void>;
  /** SIGKILL. Idempotent. */
  kill(): void;
}

const FLAGS = ["--no-prompt", "--ignore-env", "--allow-net=127.0.0.1", "--allow-read", "--allow-env=CAIRN_*"];

function start<Message>(
  script: string,
  job: PublisherJob | SubscriberJob,
  onMessage: (message: Message) => void,
  onFailure: (what: string) => void,
): Child {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      ...FLAGS,
      new URL(script, import.meta.url).pathname,
      JSON.stringify(job),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let killed = false;
  const kill = () => {
    if (killed) return;
    killed = true;
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // It ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  const read = async () => {
    for await (const line of linesOf(child.stdout)) onMessage(JSON.parse(line));
  };
  const readErrors = async () => {
    const errors: string[] = [];
    for await (const line of linesOf(child.stderr)) {
      errors.push(line);
      if (errors.length > ERROR_LINES) errors.shift();
    }
    return errors;
  };
  const finish = async () => {
    const [{ code }, errors] = await Promise.all([child.status, readErrors(), read()]);
    if (code !== 0 && !killed) onFailure(`${script} ended with ${code}: ${errors.join(" | ")}`);
  };
  const over = finish();
  return {
    over,
    kill,
    async [Symbol.asyncDispose]() {
      kill();
      await over;
    },
  };
}

/** Starts a publisher. `onFailure` is told when it ends by itself with an error. */
export function startPublisher(
  job: PublisherJob,
  onMessage: (message: PublisherMessage) => void,
  onFailure: (what: string) => void,
): Child {
  return start("./publisher.ts", job, onMessage, onFailure);
}

/** Starts a process of subscribers. */
export function startSubscribers(
  job: SubscriberJob,
  onMessage: (message: SubscriberMessage) => void,
  onFailure: (what: string) => void,
): Child {
  return start("./subscriber.ts", job, onMessage, onFailure);
}
