import type { Builder } from './model.js';
export const informationSchemaBuilders: Readonly<Record<string, Builder>> = {};
