/** Where a server hears gossip, as its record in the catalog says it: `10.0.0.1:7946`, `[::1]:7946`. */
import type { Json } from "../../base/json.ts";
import type { Endpoint } from "../swim/messages.ts";
import { fromAddress } from "../swim/packet/address.ts";

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/;

/** Undefined for anything else. */
export function readAddress(text: Json | undefined): Endpoint | undefined {
  const found = typeof text === "string" ? ADDRESS.exec(text) : null;
  const address = found?.[1] ?? found?.[2] ?? "";
  const port = Number(found?.[3]);
  return isAddress(address) && port >= 1 && port <= 65535 ? { address, port } : undefined;
}

function isAddress(text: string): boolean {
  try {
    fromAddress(text);
    return true;
  } catch {
    return false;
  }
}
