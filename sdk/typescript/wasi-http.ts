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
      const body = new Body(incoming);
      try {
        await answer(await responseOf(fetch, incoming, body), out);
      } finally {
        // An instance that goes on would hold them until there is a garbage collection.
        body[Symbol.dispose]();
        incoming[Symbol.dispose]();
      }
    },
  };
}

interface Head {
  outgoing: OutgoingResponse;
  body: ReadableStream<Uint8Array> | null;
}

async function responseOf(fetch: Fetch, incoming: IncomingRequest, body: Body): Promise<Head> {
  try {
    return headOf(await fetch(requestOf(incoming, body)));
  } catch (error) {
    console.error(error);
    return headOf(new Response("internal server error\n", { status: 500, headers: { "content-type": "text/plain" } }));
  }
}

function requestOf(incoming: IncomingRequest, body: Body): Request {
  const { tag, ...other } = incoming.method();
  const method = "val" in other ? other.val : tag.toUpperCase();
  const scheme = incoming.scheme()?.tag === "HTTPS" ? "https" : "http";
  const url = `${scheme}://${incoming.authority() ?? "localhost"}${incoming.pathWithQuery() ?? "/"}`;
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
class Body {
  #body: IncomingBody | undefined;
  #input: InputStream | undefined;

  constructor(readonly incoming: IncomingRequest) {}

  stream(): ReadableStream<Uint8Array> {
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      this.#body ??= this.incoming.consume();
      this.#input ??= this.#body.stream();
      try {
        controller.enqueue(this.#input.blockingRead(READ));
      } catch (error) {
        if (isClosed(error)) controller.close();
        else controller.error(error);
      }
    };
    return new ReadableStream({ pull }, { highWaterMark: 0 });
  }

  [Symbol.dispose](): void {
    this.#input?.[Symbol.dispose]();
    this.#body?.[Symbol.dispose]();
  }
}

function headOf(response: Response): Head {
  const headers = [...response.headers].map(([name, value]): [string, Uint8Array] => [name, latin1(value)]);
  const outgoing = new OutgoingResponse(Fields.fromList(headers));
  outgoing.setStatusCode(response.status);
  return { outgoing, body: response.body };
}

async function answer({ outgoing, body }: Head, out: ResponseOutparam): Promise<void> {
  // Whose body is not asked for has none. One that is empty has to have the length that the headers tell, which is not so for HEAD.
  const sent = body && outgoing.body();
  ResponseOutparam.set(out, { tag: "ok", val: outgoing });
  if (!body || !sent) return;
  if (await send(body, sent)) OutgoingBody.finish(sent, undefined);
  // Without an end, so that the client does not take what there is for the whole.
  else sent[Symbol.dispose]();
}

/** Whether all of it was sent. */
async function send(body: ReadableStream<Uint8Array>, to: OutgoingBody): Promise<boolean> {
  const reader = body.getReader();
  const output = to.write();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return true;
      for (let at = 0; at < value.length; at += WRITTEN) {
        output.blockingWriteAndFlush(value.subarray(at, at + WRITTEN));
      }
    }
  } catch (error) {
    // One that does not take its answer has gone, which is no failure of the app.
    if (!isClosed(error)) console.error(error);
    await reader.cancel(error).catch(() => {});
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
