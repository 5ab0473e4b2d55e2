import type { Command } from "@commander-js/extra-typings";
import type { ExitSlot } from "./exit.ts";
import type { World } from "./world.ts";

/** A noun's way to add itself. */
export type Register = (program: Command, world: World, slot: ExitSlot) => void;
