/** Counters and gauges of a node in Prometheus' text format (version 0.0.4). */

export interface MetricSource {
  /** Prefix of its names: quoral_<prefix>_<name>. */
  readonly prefix: string;
  /** Names in camelCase or snake_case; values are numbers. */
  read(): Readonly<Record<string, number>>;
}

const snakeCase = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^a-zA-Z0-9_]/g, '_')
    .toLowerCase();

export function renderMetrics(sources: readonly MetricSource[]): string {
  const lines: string[] = [];
  for (const source of sources) {
    const values = source.read();
    for (const name of Object.keys(values).sort()) {
      const metric = `quoral_${source.prefix}_${snakeCase(name)}`;
      lines.push(`# TYPE ${metric} untyped`, `${metric} ${values[name]}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
