/** Answers in each way that the SDK's `serve` has to send on as they are. */

let served = 0;
let unread: Request | undefined;
const kept = new Response("once");

export async function answer(request: Request): Promise<Response> {
  served += 1;
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/served":
      return new Response(String(served));
    case "/echo":
      return new Response(request.body, { headers: { "x-method": request.method, "x-sent": request.headers.get("x-sent") ?? "" } });
    case "/text":
      return new Response((await request.text()).toUpperCase());
    case "/unread":
      return new Response("not read", { status: 202 });
    case "/late":
      // Nobody waits for it: it is read when the next request has come.
      unread = request;
      return new Response("answered");
    case "/later":
      await unread?.text().catch((error) => console.log(String(error)));
      return new Response("later");
    case "/none":
      return new Response(null, { status: 204 });
    case "/copied":
      // As Hono answers HEAD: with the length of what there would be.
      return new Response(null, new Response("four"));
    case "/cookies":
      return new Response("", { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
    case "/waits":
      await new Promise((resolve) => setTimeout(resolve, 1));
      return new Response("waited");
    case "/throws":
      throw new Error("a secret of the app");
    case "/breaks":
      return new Response(endingIn("half of it", new Error("broken")));
    case "/twice":
      return kept;
    case "/longer":
      return new Response("four", { headers: { "content-length": "5" } });
    case "/long":
      return new Response(new ReadableStream({ cancel: () => console.log("nobody takes it") }), {
        headers: { "content-length": "many" },
      });
    case "/endless":
      return new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1 << 16)),
          cancel: () => console.log("nobody takes more"),
        }),
      );
    default:
      // What types do not let through, and JavaScript does.
      return undefined as unknown as Response;
  }
}

/** A text, and then an error. */
function endingIn(text: string, error: Error): ReadableStream<Uint8Array> {
  const chunks = [new TextEncoder().encode(text)];
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.pop();
      if (chunk) controller.enqueue(chunk);
      else controller.error(error);
    },
  });
}
