import assert from "node:assert/strict";
import { walkPath, type WalkPort } from "./walk.ts";

/** Paths ending in `/` are folders, `a -> b` are links, the rest are files. */
function disk(...entries: string[]): WalkPort {
  const found = new Map<string, string>([["/", "directory"]]);
  for (const entry of entries) {
    const [path = "", target] = entry.split(" -> ");
    if (target !== undefined) found.set(path, `-> ${target}`);
    else found.set(path.replace(/(.)\/$/, "$1"), path.endsWith("/") ? "directory" : "file");
  }
  return {
    lstat(path) {
      const what = found.get(path);
      if (what === undefined) return null;
      return { kind: what === "file" || what === "directory" ? what : "symlink", mode: 0o755, uid: 0 };
    },
    readLink: (path) => found.get(path)!.slice(3),
  };
}

const walked = (path: string, port: WalkPort) => {
  const { steps, end } = walkPath(path, port);
  return { steps: steps.map((step) => step.path), end };
};

Deno.test("walkPath() names every folder, link and the file", () => {
  const port = disk("/usr/", "/usr/bin/", "/usr/bin/ls", "/bin -> usr/bin");
  assert.deepEqual(walked("/usr/bin/ls", port), {
    steps: ["/", "/usr", "/usr/bin", "/usr/bin/ls"],
    end: "/usr/bin/ls",
  });
  assert.deepEqual(walked("/bin/ls", port), {
    steps: ["/", "/bin", "/usr", "/usr/bin", "/usr/bin/ls"],
    end: "/usr/bin/ls",
  });
});

Deno.test("walkPath() goes through links of links and relative ones, naming the folders between", () => {
  const port = disk(
    "/usr/",
    "/usr/bin/",
    "/usr/bin/awk -> /etc/alternatives/awk",
    "/etc/",
    "/etc/alternatives/",
    "/etc/alternatives/awk -> ../../usr/bin/mawk",
    "/usr/bin/mawk",
  );
  const { steps, end } = walked("/usr/bin/awk", port);
  assert.equal(end, "/usr/bin/mawk");
  for (const path of ["/usr/bin/awk", "/etc", "/etc/alternatives", "/etc/alternatives/awk", "/usr/bin/mawk"]) {
    assert.ok(steps.includes(path), path);
  }
});

Deno.test("walkPath() ends nowhere in a loop, and at its name when only the file is missing", () => {
  assert.equal(walked("/a", disk("/a -> /b", "/b -> /a")).end, null);
  assert.equal(walked("/no/such", disk()).end, null);
  assert.equal(walked("/such", disk()).end, "/such");
});
