/**
 * Handlers of web-standard requests on `wasi:http`: what makes a `Response` of a `Request` becomes what the component exports.
 *
 *     const app = new Hono();
 *     export const incomingHandler = serve(app.fetch);
 *
 * StarlingMonkey hands over requests as `fetch` events, too, but only the first one of an instance. What is exported here serves
 * as many, one after the other, as `[app] reuse` in `components.toml` has an instance serve.
 *
 * Bodies are streams in both directions: nothing is read that the app does not ask for, and what it answers is sent as it comes.
 */

import {
  Fields,
  OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
  type IncomingBody,
  type IncomingRequest,
  type InputStream,
} from "wasi:http/types@0.2.10";

/** What answers requests: `fetch` of a Hono app, say. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/** Bytes that are read at once, and the most that `wasi:io` writes at once. */
const READ = 64n * 1024n;
const WRITTEN = 4096;

/**
 * The component's `wasi:http/incoming-handler`, by a function that answers requests. What that throws is printed, and answered
 * with 500 and nothing about it.
 */
export function serve(fetch: Fetch): { handle(incoming: IncomingRequest, out: ResponseOutparam): Promise<void> } {
  return {
    async handle(incoming, out) {
      const body = new RequestBody(incoming);
      try {
        await send(await answerOf(fetch, incoming, body), out);
      } finally {
        // An instance that goes on would hold them until there is a garbage collection.
        body[Symbol.dispose]();
        incoming[Symbol.dispose]();
      }
    },
  };
}

/** An answer that can be sent: all that an app can have got wrong in it was looked at. */
interface Answer {
  response: OutgoingResponse;
  /** Where it comes from, and where it goes to. */
  body?: { from: ReadableStreamDefaultReader<Uint8Array>; to: OutgoingBody };
}

async function answerOf(fetch: Fetch, incoming: IncomingRequest, body: RequestBody): Promise<Answer> {
  let request: Request;
  try {
    request = requestOf(incoming, body);
  } catch {
    // Its URL is none: the client's mistake.
    return sendable(problem(400, "bad request\n"));
  }
  try {
    return sendable(await fetch(request));
  } catch (error) {
    console.error(error);
    return sendable(problem(500, "internal server error\n"));
  }
}

function problem(status: number, text: string): Response {
  return new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

function requestOf(incoming: IncomingRequest, body: RequestBody): Request {
  const { tag, ...other } = incoming.method();
  const method = "val" in other ? other.val : tag.toUpperCase();
  const scheme = incoming.scheme()?.tag === "HTTPS" ? "https" : "http";
  const path = incoming.pathWithQuery() ?? "/";
  // `OPTIONS *` asks about the whole server.
  const url = `${scheme}://${incoming.authority() ?? "localhost"}${path.startsWith("/") ? path : "/"}`;
  const headers = new Headers();
  const fields = incoming.headers();
  for (const [name, value] of fields.entries()) headers.append(name, String.fromCharCode(...value));
  fields[Symbol.dispose]();
  // These have none, and the constructor refuses one.
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers });
  // What `duplex` means is that the body may still be coming when the answer begins. The standard asks for it, TypeScript does
  // not know it.
  const init = { method, headers, body: body.stream(), duplex: "half" };
  return new Request(url, init);
}

/** The body of a request, which is taken from the host when the app asks for it. */
class RequestBody {
  #body: IncomingBody | undefined;
  #input: InputStream | undefined;
  #isOver = false;

  constructor(readonly incoming: IncomingRequest) {}

  stream(): ReadableStream<Uint8Array> {
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      try {
        controller.enqueue(this.#read());
      } catch (error) {
        if (isClosed(error)) controller.close();
        else controller.error(error);
      }
    };
    return new ReadableStream({ pull }, { highWaterMark: 0 });
  }

  #read(): Uint8Array {
    // The app may read on when it has answered, and this instance may serve another request by then.
    if (this.#isOver) throw new Error("the request is over: a body is read before it is answered");
    this.#body ??= this.incoming.consume();
    this.#input ??= this.#body.stream();
    return this.#input.blockingRead(READ);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#input?.[Symbol.dispose]();
    this.#body?.[Symbol.dispose]();
  }
}

function sendable({ status, headers, body }: Response): Answer {
  // First, since another may have read it.
  const from = body?.getReader();
  let response: OutgoingResponse | undefined;
  try {
    const fields = [...headers].map(([name, value]): [string, Uint8Array] => [name, latin1(value)]);
    response = new OutgoingResponse(Fields.fromList(fields));
    response.setStatusCode(status);
    // Whose body is not asked for has none. One that is empty has to have the length that the headers tell, which is not so for
    // HEAD.
    return from === undefined ? { response } : { response, body: { from, to: response.body() } };
  } catch (error) {
    response?.[Symbol.dispose]();
    // What makes the body holds something, perhaps. Nobody has to wait for it to let go.
    from?.cancel(error).catch(() => {});
    throw error;
  }
}

async function send({ response, body }: Answer, out: ResponseOutparam): Promise<void> {
  ResponseOutparam.set(out, { tag: "ok", val: response });
  if (body === undefined) return;
  if (!(await copy(body.from, body.to))) {
    // Without an end, so that the client does not take what there is for the whole.
    body.to[Symbol.dispose]();
    return;
  }
  try {
    OutgoingBody.finish(body.to, undefined);
  } catch (error) {
    // Another length than the headers tell.
    console.error(error);
  }
}

/** Whether all of it was sent. */
async function copy(from: ReadableStreamDefaultReader<Uint8Array>, to: OutgoingBody): Promise<boolean> {
  const output = to.write();
  try {
    for (;;) {
      const { value, done } = await from.read();
      if (done) return true;
      for (let at = 0; at < value.length; at += WRITTEN) {
        output.blockingWriteAndFlush(value.subarray(at, at + WRITTEN));
      }
    }
  } catch (error) {
    // One that does not take its answer has gone, which is no failure of the app.
    if (!isClosed(error)) console.error(error);
    await from.cancel(error).catch(() => {});
    return false;
  } finally {
    output[Symbol.dispose]();
  }
}

/** Whether it is how `wasi:io` says that there is nobody at the other end. */
function isClosed(error: unknown): boolean {
  const { payload } = (error ?? {}) as { payload?: { tag?: string } };
  return payload?.tag === "closed";
}

/** The bytes of a header's value, whose characters stand for one each. */
function latin1(value: string): Uint8Array {
  return Uint8Array.from(value, (character) => character.charCodeAt(0));
}
