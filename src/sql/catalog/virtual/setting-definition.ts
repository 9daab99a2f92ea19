/** Shape of a setting's definition, for the session that keeps it and pg_settings that shows it. */
export type SettingKind = 'bool' | 'integer' | 'real' | 'string' | 'enum';

export interface SettingDefinition {
  readonly name: string;
  readonly kind: SettingKind;
  readonly initial: string;
  readonly description: string;
  readonly category: string;
  readonly context: 'user' | 'internal' | 'postmaster' | 'superuser';
  readonly unit: string | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly values: readonly string[] | null;
  /** Sent to the client as ParameterStatus when it changes. */
  readonly report: boolean;
}
