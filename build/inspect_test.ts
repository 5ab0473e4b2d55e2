import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { faultsOf, formatOf, inspect, readExecutable } from "./inspect.ts";
import { elfEnd } from "./inspect_elf.ts";
import { type Program, PROGRAMS, v8FlagsOf } from "./programs.ts";
import { BuildError } from "./shell.ts";
import { findTarget } from "./targets.ts";

const AGENT: Program = PROGRAMS.find(({ name }) => name === "jabber-agent")!;
const MODULE = { path: "agent/main.js", text: `// deno.json\nvar deno_default = {\n  version: "1.2.3",\n};\n` };

/** What `deno compile` puts into a file, as far as it is read. */
function payload(permissions: Record<string, unknown> = {}, text = MODULE.text): Buffer {
  const held = { allow_net: [], allow_read: [], allow_write: [], allow_run: [] };
  const told = JSON.stringify({
    permissions: {
      ...held,
      allow_env: AGENT.grants.env,
      allow_sys: AGENT.grants.sys,
      deny_ffi: [],
      deny_import: [],
      prompt: false,
      ...permissions,
    },
    v8_flags: ["UNUSED_BUT_NECESSARY_ARG0", "--stack-size=1024", ...v8FlagsOf(AGENT)],
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(told)));
  return Buffer.concat([
    Buffer.from("d3n0l4nd"),
    length,
    Buffer.from(told),
    Buffer.from(text),
    Buffer.from("d3n0l4nd"),
  ]);
}

function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function elf(): Buffer {
  const file = Buffer.alloc(64 + 100 + 64, 9);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  file.writeUInt16LE(0x3e, 0x12);
  file.writeBigUInt64LE(164n, 0x28);
  file.writeUInt16LE(64, 0x3a);
  file.writeUInt16LE(1, 0x3c);
  return file;
}

function elfWith(data: Buffer): Uint8Array<ArrayBuffer> {
  const trailer = Buffer.alloc(16);
  trailer.writeBigUInt64LE(BigInt(data.length + 16), 8);
  return plain(Buffer.concat([elf(), data, trailer]));
}

/** Headers for two sections, one of which is there: the second place is free. */
function pe(): Buffer {
  const file = Buffer.alloc(0x600);
  file.write("MZ");
  file.writeUInt32LE(0x80, 0x3c);
  file.write("PE", 0x80);
  file.writeUInt16LE(0x8664, 0x84);
  file.writeUInt16LE(1, 0x86);
  file.writeUInt16LE(240, 0x94);
  file.writeUInt32LE(0x2000, 0x98 + 56);
  sectionHeader(file, 0x98 + 240, ".text", [0x200, 0x1000, 0x200, 0x400]);
  return file;
}

function sectionHeader(file: Buffer, at: number, name: string, numbers: readonly number[]): void {
  file.write(name, at);
  numbers.forEach((number, index) => file.writeUInt32LE(number, at + 8 + 4 * index));
}

function peWith(data: Buffer): Uint8Array<ArrayBuffer> {
  const [address, at] = [0x2000, 0x600];
  // Three tables of one row each (RCDATA, a name, language 0), the data's place, the name, the data.
  const tree = Buffer.alloc(3 * 24 + 16 + 16);
  const rows = [[1, 10, 0x80000000 + 24], [0, 0x80000000 + 88, 0x80000000 + 48], [1, 0, 72]] as const;
  rows.forEach(([ids, id, to], depth) => {
    tree.writeUInt16LE(ids === 1 ? 1 : 0, 24 * depth + 14);
    tree.writeUInt16LE(ids === 1 ? 0 : 1, 24 * depth + 12);
    tree.writeUInt32LE(id, 24 * depth + 16);
    tree.writeUInt32LE(to, 24 * depth + 20);
  });
  tree.writeUInt32LE(address + tree.length, 72);
  tree.writeUInt32LE(data.length, 76);
  const size = tree.length + data.length;
  const file = Buffer.concat([pe(), tree, data]);
  file.writeUInt16LE(2, 0x86);
  file.writeUInt32LE(0x2000 + size, 0x98 + 56);
  file.writeUInt32LE(address, 0x98 + 128);
  file.writeUInt32LE(size, 0x98 + 132);
  sectionHeader(file, 0x98 + 240 + 40, ".pedata", [size, address, size, at]);
  return plain(file);
}

interface MachOPlan {
  cpu: number;
  /** Bytes in front of `__LINKEDIT`, and in memory: what was added there. */
  added: Buffer;
}

const LINK = Buffer.alloc(0x100, 7);
const LINK_AT = 0x1000;

function machO({ cpu, added }: MachOPlan): Buffer {
  const commands: Buffer[] = [];
  if (added.length > 0) {
    const segment = segmentCommand("__SUI", [0x5000, added.length, LINK_AT, added.length], 72 + 80);
    segment.writeBigUInt64LE(BigInt(added.length), 72 + 40);
    segment.writeUInt32LE(LINK_AT, 72 + 48);
    commands.push(segment);
  }
  const link = LINK_AT + added.length;
  commands.push(segmentCommand("__LINKEDIT", [0x5000 + added.length, 0x100, link, 0x100], 72));
  const symbols = Buffer.alloc(24);
  symbols.writeUInt32LE(0x2, 0);
  symbols.writeUInt32LE(24, 4);
  symbols.writeUInt32LE(link + 16, 8);
  symbols.writeUInt32LE(link + 32, 16);
  commands.push(symbols);
  const head = Buffer.alloc(LINK_AT);
  head.writeUInt32LE(0xfeedfacf, 0);
  head.writeUInt32LE(cpu, 4);
  head.writeUInt32LE(commands.length, 16);
  const all = Buffer.concat(commands);
  head.writeUInt32LE(all.length, 20);
  head.set(all, 32);
  return Buffer.concat([head, added, LINK]);
}

function segmentCommand(name: string, numbers: readonly number[], size: number): Buffer {
  const command = Buffer.alloc(size);
  command.writeUInt32LE(0x19, 0);
  command.writeUInt32LE(size, 4);
  command.write(name, 8);
  numbers.forEach((number, index) => command.writeBigUInt64LE(BigInt(number), 24 + 8 * index));
  return command;
}

const [ARM64, X64] = [0x0100000c, 0x01000007];

function intelWith(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([Buffer.from("<~sui-data~>"), Buffer.from([0xef, 0xbe, 0xad, 0xde]), length, data]);
}

const none = Buffer.alloc(0);
const CASES = [
  { name: "ELF", format: "elf", machine: "x64", base: elf(), full: elfWith(payload()) },
  { name: "PE", format: "pe", machine: "x64", base: pe(), full: peWith(payload()) },
  {
    name: "Mach-O on arm64",
    format: "mach-o",
    machine: "arm64",
    base: machO({ cpu: ARM64, added: none }),
    full: plain(machO({ cpu: ARM64, added: payload() })),
  },
  {
    name: "Mach-O on x64",
    format: "mach-o",
    machine: "x64",
    base: machO({ cpu: X64, added: none }),
    full: plain(Buffer.concat([machO({ cpu: X64, added: none }), intelWith(payload())])),
  },
] as const;

for (const { name, format, machine, base, full } of CASES) {
  Deno.test(`inspect() reads ${name}, and the base runtime comes out as it went in`, () => {
    assert.equal(formatOf(full), format);
    const seen = inspect(full);
    assert.deepEqual([seen.format, seen.machine, seen.version], [format, machine, "1.2.3"]);
    assert.deepEqual(seen.grants, {
      net: true,
      read: true,
      write: true,
      run: true,
      env: AGENT.grants.env,
      sys: AGENT.grants.sys,
    });
    assert.deepEqual(Buffer.from(readExecutable(full).base()), base);
    assert.deepEqual(readExecutable(plain(base)).payloads, []);
    assert.throws(() => inspect(plain(base)), /carries no program/);
  });
}

Deno.test("readExecutable() refuses what is none, what is cut and what carries two programs", () => {
  for (const bytes of [new Uint8Array(), new Uint8Array(64), plain(Buffer.from("#!/bin/sh\n"))]) {
    assert.throws(() => readExecutable(bytes), BuildError);
  }
  for (const { full } of CASES) assert.throws(() => readExecutable(full.slice(0, 70)), Error);
  const twice = plain(Buffer.concat([CASES[3].full, intelWith(payload())]));
  assert.throws(() => inspect(twice), /two programs/);
  assert.throws(() => inspect(elfWith(payload().subarray(0, -1))), /damaged/);
});

Deno.test("inspect() refuses a program that may ask for more, or is not denied foreign code", () => {
  assert.throws(() => inspect(elfWith(payload({ prompt: true }))), /ask for more/);
  assert.throws(() => inspect(elfWith(payload({ deny_ffi: null }))), /not denied ffi/);
  assert.throws(() => inspect(elfWith(payload({ allow_run: ["sh"] }))), /a part of run/);
});

Deno.test("faultsOf() names all that is not as the tables say", () => {
  const target = findTarget("x86_64-unknown-linux-gnu")!;
  const job = { program: AGENT, target, bundle: [MODULE], version: "1.2.3" };
  const wider = payload({ allow_env: ["EVERYTHING"] });
  assert.deepEqual(faultsOf(elfWith(payload()), job), []);
  assert.match(faultsOf(elfWith(payload()), { ...job, version: "2.0.0" }).join(), /^the version is "1\.2\.3", not "2/);
  assert.match(faultsOf(elfWith(wider), job).join(), /^the grants is .*EVERYTHING/);
  assert.match(
    faultsOf(elfWith(payload()), { ...job, target: findTarget("aarch64-apple-darwin")! }).join(),
    /^the format is "elf", not "mach-o",the machine is "x64", not "arm64"$/,
  );
  const other = { path: "agent/executor/worker.js", text: "run();" };
  assert.deepEqual(faultsOf(elfWith(payload()), { ...job, bundle: [MODULE, other] }), [
    '"agent/executor/worker.js" is not in it',
  ]);
});

Deno.test("elfEnd() is the end of the section headers", () => {
  assert.equal(elfEnd(elf()), 228);
  assert.equal(elfEnd(elfWith(payload())), 228);
});
