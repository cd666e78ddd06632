/** A to-do list as a JSON API. This file is HTTP, `todos.ts` is what the app knows about its data. */

import { Hono, type Context } from "hono";
import { StateError } from "./dapr.js";
import { changed, created, Failure, isId } from "./failure.js";
import * as todos from "./todos.js";
import { serve } from "./wasi-http.js";

const app = new Hono();

// What answers GET answers HEAD, as Hono has it.
app.get("/todos", (c) => c.json(todos.page(todos.TODOS, cursor(c))));
app.post("/todos", async (c) => {
  const todo = todos.create(created(await c.req.text()));
  return c.json(todo, 201, { location: `/todos/${todo.id}` });
});
app.all("/todos", methods("GET, HEAD, POST"));

app.post("/todos/archive-done", (c) => c.json({ archived: todos.archiveDone() }));
app.all("/todos/archive-done", methods("POST"));

app.get("/archive", (c) => c.json(todos.page(todos.ARCHIVE, cursor(c))));
app.all("/archive", methods("GET, HEAD"));

app.get("/todos/:id", (c) => c.json(todos.find(id(c))));
app.patch("/todos/:id", async (c) => c.json(todos.change(id(c), changed(await c.req.text()))));
app.delete("/todos/:id", (c) => {
  todos.remove(id(c));
  return c.body(null, 204);
});
app.all("/todos/:id", methods("GET, HEAD, PATCH, DELETE"));

app.notFound((c) => c.json({ error: "there is no such thing" }, 404));

app.onError((error, c) => {
  if (error instanceof Failure) return c.json({ error: error.message }, error.status);
  if (error instanceof StateError) {
    switch (error.code) {
      // What reaches the store from a client is a cursor and a TTL.
      case "invalid":
        return c.json({ error: error.message }, 400);
      case "etag-mismatch":
        return c.json({ error: "others were faster: try again" }, 409);
      case "throttled":
      case "unavailable":
        return outOfReach(c, error, 503);
      case "outcome-unknown":
        return outOfReach(c, error, 504);
    }
  }
  return outOfReach(c, error, 500);
});

export const incomingHandler = serve(app.fetch);

/** The store failed, or what it holds is no todo: nothing that a client could mend or should read about. */
function outOfReach(c: Context, error: Error, status: 500 | 503 | 504): Response {
  // What an app prints is in the host's log, under the app's name.
  console.error(String(error));
  return c.json({ error: "the todos are out of reach" }, status);
}

function methods(allow: string) {
  return (c: Context) => c.json({ error: `use one of ${allow}` }, 405, { allow });
}

/** Under a name that was never given out there is nothing, so the store is not asked. */
function id(c: Context): string {
  const id = c.req.param("id") ?? "";
  if (!isId(id)) throw new Failure(404, "there is no such thing");
  return id;
}

/** Stricter than a web page's form: what has no meaning here is refused. */
function cursor(c: Context): string | undefined {
  const { cursor = [], ...others } = c.req.queries();
  const [other] = Object.keys(others);
  if (other !== undefined) throw new Failure(400, `the parameter ${other} has no meaning here`);
  if (cursor.length > 1) throw new Failure(400, "the parameter cursor is given twice");
  return cursor[0];
}
