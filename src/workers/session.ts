import { type ClientDuplexStream, type ServiceError, status as Status } from "@grpc/grpc-js";
import type { WorkerClient as WorkerStub } from "../grpc/generated/omnispan/Worker.ts";
import type { WorkerCommand } from "../grpc/generated/omnispan/WorkerCommand.ts";
import type { WorkerEvent__Output } from "../grpc/generated/omnispan/WorkerEvent.ts";
import type { WorkerStep__Output } from "../grpc/generated/omnispan/WorkerStep.ts";
import type { DispatchGroup } from "../core/events.ts";
import type { Millis, SequenceId, WorkerHello, WorkerLoad, WorkerStep } from "../core/types.ts";
import type { WorkerDriver } from "./driver.ts";
import { toReply, toWorkerRequest } from "./messages.ts";

/** What a session tells of; `opened` comes first or never, `ended` last and once, unless it was closed before. */
export interface SessionListener {
  opened(identity: WorkerHello): void;
  stepped(step: WorkerStep): void;
  /** These have ended, and nobody can read how. */
  unread(sequences: readonly SequenceId[]): void;
  loaded(load: WorkerLoad): void;
  /** `unimplemented`: this worker has no sessions. */
  ended(why: { readonly unimplemented: boolean; readonly message: string }): void;
}

/** So many ticks in a row without a word are silence. However long we were asleep ourselves, that is one tick. */
const SILENT_TICKS = 10;

/** One stream to a worker that carries all requests: commands up, one message per decode step down. */
export class Session implements WorkerDriver {
  readonly #call: ClientDuplexStream<WorkerCommand, WorkerEvent__Output>;
  readonly #clock: ReturnType<typeof setInterval>;
  #silentTicks = 0;
  #opened = false;
  #over = false;

  /** `silenceMs`: a worker that says nothing for so long hangs. */
  constructor(
    stub: WorkerStub,
    private readonly silenceMs: Millis,
    private readonly listener: SessionListener,
  ) {
    this.#call = stub.session();
    this.#call.on("data", (event: WorkerEvent__Output) => this.#take(event));
    this.#call.on("error", (error: ServiceError) => {
      const unimplemented = error.code === Status.UNIMPLEMENTED && !this.#opened;
      this.#end(unimplemented, `the session with the worker broke: ${error.details}`);
    });
    this.#call.on("end", () => this.#end(false, "the worker closed the session"));
    this.#clock = setInterval(() => this.#tick(), silenceMs / SILENT_TICKS);
  }

  dispatch({ members }: DispatchGroup): void {
    const sequences = members.map((member) => ({
      sequence: member.sequence,
      stream: member.submission.stream,
      request: toWorkerRequest(member),
    }));
    this.#call.write({ submit: { sequences } });
  }

  cancel(sequences: readonly SequenceId[]): void {
    this.#call.write({ cancel: { sequences: [...sequences] } });
  }

  close(): void {
    this.#over = true;
    clearInterval(this.#clock);
    this.#call.cancel();
  }

  #take(event: WorkerEvent__Output): void {
    if (this.#over) return;
    // Before its hello a worker has said nothing.
    this.#opened ||= event.event === "hello";
    if (!this.#opened) return;
    this.#silentTicks = 0;
    switch (event.event) {
      case "step":
        return this.#step(event.step!);
      case "load":
        return this.listener.loaded(event.load!);
      case "hello":
        return this.listener.opened(event.hello!);
      default: // an event of a newer contract
    }
  }

  /** Where a result's reply is missing it could not be read, or the worker left it out. */
  #step({ deltas, results }: WorkerStep__Output): void {
    const read = results.flatMap(({ sequence, reply }) =>
      reply ? [{ sequence, reply: toReply(reply, reply.responseText) }] : []
    );
    this.listener.stepped({ deltas, results: read });
    if (read.length === results.length) return;
    this.listener.unread(results.filter(({ reply }) => !reply).map(({ sequence }) => sequence));
  }

  #tick(): void {
    if (++this.#silentTicks < SILENT_TICKS) return;
    this.#end(false, `the worker said nothing for ${this.silenceMs} ms (WORKER_SILENCE_MS)`);
  }

  #end(unimplemented: boolean, message: string): void {
    if (this.#over) return;
    this.close();
    this.listener.ended({ unimplemented, message });
  }
}
