import assert from "node:assert/strict";
import { type Hop, nextHop } from "./redirect.ts";

const hop = (url: string, more: Partial<Hop> = {}): Hop => ({ url: new URL(url), method: "GET", headers: [], ...more });
const to = (location: string, status = 302) => ({ status, headers: [["location", location]] as [string, string][] });

Deno.test("nextHop() follows what is a redirect and nothing else", () => {
  assert.equal(nextHop(hop("https://a.example/x/y"), to("../z?q#part"))?.url.href, "https://a.example/z?q");
  assert.equal(nextHop(hop("https://a.example/"), to("//b.example:8443"))?.url.href, "https://b.example:8443/");
  assert.equal(nextHop(hop("http://a.example/"), to("https://a.example/"))?.url.href, "https://a.example/");
  for (const status of [200, 300, 304, 305, 404]) assert.equal(nextHop(hop("http://a/"), to("/x", status)), undefined);
  assert.equal(nextHop(hop("http://a/"), { status: 302, headers: [] }), undefined);
});

Deno.test("nextHop() goes neither down to plain HTTP nor where no HTTP is", () => {
  const from = hop("https://a.example/");
  for (
    const location of [
      "http://a.example/",
      "file:///etc/passwd",
      "javascript:1",
      "data:,x",
      "https://user:word@b.example/",
      "https://[bad",
    ]
  ) {
    assert.throws(() => nextHop(from, to(location)), { code: "http.redirect" }, location);
  }
});

Deno.test("nextHop() makes a GET of what must not be done twice", () => {
  const post = hop("http://a/", { method: "POST", body: "x", headers: [["content-type", "text/x"], ["accept", "b"]] });
  for (const status of [301, 302, 303]) {
    const next = nextHop(post, to("/n", status));
    assert.deepEqual([next?.method, next?.body, next?.headers], ["GET", undefined, [["accept", "b"]]], `${status}`);
  }
  for (const status of [307, 308]) {
    const next = nextHop(post, to("/n", status));
    assert.deepEqual([next?.method, next?.body, next?.headers.length], ["POST", "x", 2], `${status}`);
  }
  assert.equal(nextHop(hop("http://a/", { method: "HEAD" }), to("/n", 303))?.method, "HEAD");
  assert.equal(nextHop(hop("http://a/", { method: "PUT" }), to("/n", 302))?.method, "PUT");
});

Deno.test("nextHop() tells another address none of the script's secrets", () => {
  const headers = [["authorization", "secret"], ["x-api-key", "secret"], ["cookie", "c"], ["accept", "a/b"]] as const;
  const from = hop("http://a.example/", { headers });
  assert.deepEqual(nextHop(from, to("/same"))?.headers, headers);
  for (const other of ["http://b.example/", "http://a.example:81/", "https://a.example/"]) {
    assert.deepEqual(nextHop(from, to(other))?.headers, [["accept", "a/b"]], other);
  }
});
