/** The platforms a program is compiled for, and where their base runtime comes from when Deno cannot download it. */
import type { Format, Machine } from "./inspect_parts.ts";

/** A Deno standalone executable on npm that is the base runtime with a program in it. */
export interface PackagedRuntime {
  /** npm package and version; `deno.lock` pins its integrity. */
  package: string;
  version: string;
  /** The executable inside the package. */
  file: string;
  /** What is left when the program is taken out again. */
  bytes: number;
  sha256: string;
}

export interface Target {
  /** Deno's name of the platform. */
  triple: string;
  format: Format;
  machine: Machine;
  /** Ending of executables. */
  suffix: "" | ".exe";
  packaged: PackagedRuntime;
}

export const TARGETS: readonly Target[] = [
  {
    triple: "x86_64-unknown-linux-gnu",
    format: "elf",
    machine: "x64",
    suffix: "",
    packaged: {
      package: "@stdy/cli-linux-x64",
      version: "0.22.2",
      file: "bin/steady",
      bytes: 97_076_048,
      sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
    },
  },
  {
    triple: "aarch64-unknown-linux-gnu",
    format: "elf",
    machine: "arm64",
    suffix: "",
    packaged: {
      package: "@stdy/cli-linux-arm64",
      version: "0.22.2",
      file: "bin/steady",
      bytes: 90_596_104,
      sha256: "9c888d915647ff971a497acd39ee45ea63da5f19d12d4363124942c257c055ef",
    },
  },
  {
    triple: "x86_64-apple-darwin",
    format: "mach-o",
    machine: "x64",
    suffix: "",
    packaged: {
      package: "@stdy/cli-darwin-x64",
      version: "0.22.2",
      file: "bin/steady",
      bytes: 87_962_184,
      sha256: "e86ac250d3df9ba889bcea67e6f0f1152cde3cf560742b681407387a3d597cb7",
    },
  },
  {
    triple: "aarch64-apple-darwin",
    format: "mach-o",
    machine: "arm64",
    suffix: "",
    packaged: {
      package: "@stdy/cli-darwin-arm64",
      version: "0.22.2",
      file: "bin/steady",
      bytes: 80_260_146,
      sha256: "905e502336571de23a06b3617bcbc170d2837c45cc140ebf7d11e0ab32c46a33",
    },
  },
  {
    triple: "x86_64-pc-windows-msvc",
    format: "pe",
    machine: "x64",
    suffix: ".exe",
    packaged: {
      package: "@stdy/cli-win32-x64",
      version: "0.22.2",
      file: "bin/steady.exe",
      bytes: 95_440_896,
      sha256: "714afa06b9aa9eae56bcb97b22e832c4325272b5fb735a8207146c2b23868d0b",
    },
  },
];

/** The target of that name, or `undefined`. */
export function findTarget(triple: string): Target | undefined {
  return TARGETS.find((target) => target.triple === triple);
}
