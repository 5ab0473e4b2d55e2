import assert from "node:assert/strict";
import { lossText } from "./dial.ts";

Deno.test("lossText() says of a server that is cut off that it went away, and shows nobody a page of the TLS library", () => {
  const words = "the server went away without a goodbye";
  const page = "https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof";
  const cut = `peer closed connection without sending TLS close_notify: ${page}`;
  assert.equal(lossText(cut, "", 1006), words);
  assert.equal(lossText(`Unexpected end: ${cut}`, "", 1006), `Unexpected end: ${words}`);
  assert.equal(lossText("", "", 1006), words);
  assert.equal(
    lossText("Connection reset by peer (os error 104)", "", 1006),
    "Connection reset by peer (os error 104)",
  );
  assert.equal(lossText("", "stopping", 1001), "stopping");
  assert.equal(lossText("", "", 1000), "code 1000");
});
