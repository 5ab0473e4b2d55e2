import assert from "node:assert/strict";
import { baseName, foldersAbove, isBelow, isNormalPath, parentPath } from "./paths.ts";

Deno.test("isNormalPath() takes absolute paths in their only spelling", () => {
  for (const path of ["/", "/a", "/a/b.c", "/a/..b", "/a/ b"]) assert.equal(isNormalPath(path), true, path);
  for (const path of ["", "a", "./a", "//a", "/a/", "/a//b", "/a/./b", "/a/../b", "/..", "/a\0b", "/a\ud800"]) {
    assert.equal(isNormalPath(path), false, JSON.stringify(path));
  }
});

Deno.test("isBelow() compares whole parts", () => {
  assert.equal(isBelow("/a/b", "/a"), true);
  assert.equal(isBelow("/a", "/a"), true);
  assert.equal(isBelow("/a", "/"), true);
  assert.equal(isBelow("/ab", "/a"), false);
  assert.equal(isBelow("/", "/a"), false);
});

Deno.test("parentPath(), baseName() and foldersAbove() take a path apart", () => {
  assert.equal(parentPath("/a/b"), "/a");
  assert.equal(parentPath("/a"), "/");
  assert.equal(baseName("/a/b"), "b");
  assert.deepEqual(foldersAbove("/a/b/c"), ["/", "/a", "/a/b"]);
  assert.deepEqual(foldersAbove("/"), []);
});
