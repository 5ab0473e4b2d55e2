/** What /metrics shows: the core's named counters, and gauges that are read when somebody asks. */
import { Counter, Gauge, Registry } from "prom-client";

export interface GaugeSource {
  /** Without the `jabber_` prefix. */
  name: string;
  help: string;
  read(): number;
}

export interface Metrics {
  count(name: string, by: number): void;
  /** The text exposition format. */
  text(): Promise<string>;
}

export function createMetrics(gauges: readonly GaugeSource[]): Metrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  for (const { name, help, read } of gauges) {
    new Gauge({
      name: `jabber_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
  return {
    count(name, by) {
      const known = counters.get(name);
      if (known !== undefined) return known.inc(by);
      const counter = new Counter({
        name: `jabber_${name.replace(/[^a-zA-Z0-9_]/g, "_")}_total`,
        help: `How often: ${name.replaceAll("_", " ")}`,
        registers: [registry],
      });
      counters.set(name, counter);
      counter.inc(by);
    },
    text: () => registry.metrics(),
  };
}
