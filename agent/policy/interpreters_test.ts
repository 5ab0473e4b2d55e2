import assert from "node:assert/strict";
import { runsOthers } from "./interpreters.ts";

Deno.test("runsOthers() knows what runs other programs, in every spelling of its version", () => {
  for (
    const name of [
      "sh",
      "bash",
      "BASH",
      "dash",
      "python",
      "python3",
      "python3.12",
      "python3.12-dbg",
      "perl5.36.0",
      "php8.2",
      "lua5.4",
      "node",
      "nodejs",
      "deno",
      "gawk",
      "mawk",
      "env",
      "xargs",
      "find",
      "nice",
      "timeout",
      "sudo",
      "ld-linux-x86-64.so.2",
      "vim.basic",
      "vim.tiny",
      "gcc-12",
      "git",
      "ssh",
      "tar",
      "docker",
      "pwsh.exe",
      "busybox",
      "busybox-static",
      "toybox",
    ]
  ) assert.equal(runsOthers(name, true), true, name);
});

Deno.test("runsOthers() lets plain tools pass", () => {
  for (
    const name of [
      "ls",
      "cat",
      "head",
      "tail",
      "df",
      "ps",
      "uptime",
      "systemctl",
      "journalctl",
      "date",
      "echo",
      "true",
      "wc",
    ]
  ) assert.equal(runsOthers(name, true), false, name);
});

Deno.test("runsOthers() lets an applet of busybox be what its link says", () => {
  for (const name of ["busybox", "toybox", "coreutils", "busybox-static"]) {
    assert.equal(runsOthers(name, false), false, name);
    assert.equal(runsOthers(name, true), true, name);
  }
});
