/**
 * Who can reach whom. Nodes are known by name; a cut is one way, a partition both ways. Packets and new connections ask
 * here when they set out; connections that stand are cut by whoever cuts the way.
 */
export interface Topology {
  /** Something sent from one arrives at the other. */
  reaches(from: string, to: string): boolean;
  /** Both ways, as a connection needs it. */
  joins(a: string, b: string): boolean;
  /** Parts the nodes: those of one group reach each other and nobody else. A node in no group is in group 0. */
  part(groups: Readonly<Record<string, number>>): void;
  /** Nothing gets from one to the other. */
  cut(from: string, to: string): void;
  mend(from: string, to: string): void;
  /** Everybody reaches everybody. */
  heal(): void;
}

export function createTopology(): Topology {
  let groups: Readonly<Record<string, number>> = {};
  const cuts = new Set<string>();
  const reaches = (from: string, to: string): boolean =>
    (groups[from] ?? 0) === (groups[to] ?? 0) && !(cuts.size > 0 && cuts.has(`${from}>${to}`));
  return {
    reaches,
    joins: (a, b) => reaches(a, b) && reaches(b, a),
    part: (parts) => void (groups = parts),
    cut: (from, to) => void cuts.add(`${from}>${to}`),
    mend: (from, to) => void cuts.delete(`${from}>${to}`),
    heal() {
      groups = {};
      cuts.clear();
    },
  };
}
