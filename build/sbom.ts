/**
 * The bill of materials of compiled programs, CycloneDX 1.6: the programs with their sums, every npm package whose code
 * is in one of them, and what the base runtime brings. It is made from the bundles and `deno.lock`; no time and no
 * chance goes in, so that the same sources give the same text.
 */
import { Buffer } from "node:buffer";
import type { Bundled } from "./bundle.ts";
import { BuildError } from "./shell.ts";

/** What a program is made of. */
export interface BilledProgram {
  file: string;
  sha256: string;
  bundle: readonly Bundled[];
}

export interface BillInputs {
  product: string;
  version: string;
  triple: string;
  programs: readonly BilledProgram[];
  /** The text of deno.lock. */
  lock: string;
  /** Versions of what the base runtime brings. */
  runtime: { deno: string; v8: string; sqlite: string };
  /** The base runtime's sum, where the build knows it. */
  runtimeSha256: string | undefined;
}

/** The bundler writes each module's path above its code; packages are named by folder and version. */
const PACKAGE_LINE = /^\s*\/\/ npm\/((?:@[^/\s]+\/)?[^/\s]+)\/(\d[^/\s]*)\//gm;

/** `name@version` of every package whose code is in the bundle, sorted. */
export function packagesIn(bundle: readonly Bundled[]): string[] {
  const found = new Set<string>();
  for (const { text } of bundle) {
    for (const [, name, version] of text.matchAll(PACKAGE_LINE)) found.add(`${name}@${version}`);
  }
  return [...found].sort();
}

/** The document as text. @throws BuildError for a package that `deno.lock` does not pin */
export function billOfMaterials(inputs: BillInputs): string {
  const { product, version, programs, lock, runtime, triple } = inputs;
  const pins = pinsOf(lock);
  const libraries = [...new Set(programs.flatMap(({ bundle }) => packagesIn(bundle)))].sort();
  const platforms = platformsOf(runtime, inputs.runtimeSha256);
  const root = `${product}@${version}`;
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        "type": "application",
        "bom-ref": root,
        "name": product,
        version,
        "properties": [{ name: "target", value: triple }],
      },
    },
    components: [
      ...programs.map(({ file, sha256 }) => ({
        "type": "application",
        "bom-ref": file,
        "name": file,
        version,
        "hashes": [{ alg: "SHA-256", content: sha256 }],
      })),
      ...platforms,
      ...libraries.map((id) => libraryOf(id, pins)),
    ],
    dependencies: [
      { ref: root, dependsOn: programs.map(({ file }) => file) },
      ...programs.map(({ file, bundle }) => ({
        ref: file,
        dependsOn: [purlOfDeno(runtime.deno), ...packagesIn(bundle).map(purlOf)],
      })),
      { ref: purlOfDeno(runtime.deno), dependsOn: platforms.slice(1).map((one) => one["bom-ref"]) },
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function platformsOf({ deno, v8, sqlite }: BillInputs["runtime"], sum: string | undefined) {
  return [
    {
      "type": "platform",
      "bom-ref": purlOfDeno(deno),
      "name": "deno",
      "version": deno,
      "purl": purlOfDeno(deno),
      ...(sum !== undefined && { hashes: [{ alg: "SHA-256", content: sum }] }),
    },
    { "type": "library", "bom-ref": `v8@${v8}`, "name": "v8", "version": v8 },
    { "type": "library", "bom-ref": `sqlite@${sqlite}`, "name": "sqlite", "version": sqlite },
  ];
}

function libraryOf(id: string, pins: ReadonlyMap<string, string>) {
  const integrity = pins.get(id);
  if (integrity === undefined) throw new BuildError(`"${id}" is in a program, but deno.lock does not pin it`);
  const [, algorithm = "", base64 = ""] = /^(sha\d+)-(.+)$/.exec(integrity) ?? [];
  const cut = id.lastIndexOf("@");
  return {
    "type": "library",
    "bom-ref": purlOf(id),
    "name": id.slice(0, cut),
    "version": id.slice(cut + 1),
    "purl": purlOf(id),
    "hashes": [{ alg: algorithm.replace("sha", "SHA-"), content: Buffer.from(base64, "base64").toString("hex") }],
  };
}

/** `name@version` to integrity; what a package's peers are does not change its bytes. */
function pinsOf(lock: string): Map<string, string> {
  const { npm }: { npm: Record<string, { integrity: string }> } = JSON.parse(lock);
  return new Map(
    Object.entries(npm).map(([key, { integrity }]) => {
      const at = key.indexOf("@", 1);
      return [`${key.slice(0, at)}@${key.slice(at + 1).split("_")[0]}`, integrity];
    }),
  );
}

function purlOf(id: string): string {
  const cut = id.lastIndexOf("@");
  return `pkg:npm/${id.slice(0, cut).replace("@", "%40")}@${id.slice(cut + 1)}`;
}

function purlOfDeno(version: string): string {
  return `pkg:github/denoland/deno@v${version}`;
}
