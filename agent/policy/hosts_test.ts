import assert from "node:assert/strict";
import { checkHost, readHostRule } from "./hosts.ts";
import { parsePolicy } from "./parse.ts";

Deno.test("readHostRule() brings a rule to the spelling of URLs, or refuses it", () => {
  const good: Record<string, string> = {
    "a.example": "a.example",
    "A.Example:8443": "a.example:8443",
    "[::1]": "[::1]",
    "[0:0:0:0:0:0:0:1]:80": "[::1]:80",
    "127.1": "127.0.0.1",
    "10.0.0.1:9": "10.0.0.1:9",
  };
  for (const [text, rule] of Object.entries(good)) assert.equal(readHostRule(text), rule, text);
  const bad = [
    "",
    "*",
    "*.example",
    "http://a",
    "a/b",
    "a:0",
    "a:65536",
    "a:",
    "a b",
    "::1",
    "[::1",
    "1.2.3.4.5",
    "a:80\n",
  ];
  for (const text of bad) assert.equal(readHostRule(text), null, text);
});

Deno.test("checkHost() takes a rule for itself alone", () => {
  const rules = ["a.example:8443", "b.example", "[::1]:80", "127.0.0.1:80"];
  const good = [
    "https://a.example:8443/x",
    "http://B.example:99/",
    "https://b.example/",
    "http://[0:0::1]/",
    "http://127.0.0.1/",
    "http://0x7f.1/",
    "http://2130706433/",
  ];
  for (const url of good) checkHost(new URL(url), rules);
  const bad = [
    "https://a.example/",
    "http://sub.b.example/",
    "http://b.example.evil/",
    "http://b.example./",
    "http://b.example@evil/",
    "https://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "http://localhost/",
    "http://[::ffff:127.0.0.1]/",
  ];
  for (const url of bad) assert.throws(() => checkHost(new URL(url), rules), { code: "policy.host_refused" }, url);
  assert.throws(() => checkHost(new URL("http://b.example/"), []), { code: "policy.host_refused" });
});

Deno.test("parsePolicy() reads hosts and the owner's CA, and names what it refuses", () => {
  const policy = parsePolicy({ net: ["A.example:443"], netCa: "/etc/ca.pem" });
  assert.deepEqual([policy.net, policy.netCa], [["a.example:443"], "/etc/ca.pem"]);
  assert.throws(() => parsePolicy({ net: ["a", "*.b"] }), {
    code: "policy.invalid",
    message: /policy\.net\[1\].*\*\.b/,
  });
  assert.throws(() => parsePolicy({ netCa: "ca.pem" }), { code: "policy.invalid", message: /netCa/ });
});
