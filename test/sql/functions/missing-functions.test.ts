/** What PostgreSQL has and Quoral has not: said so, and free for users to make. */
import { describe, expect, it } from 'vitest';
import { LEFT_OUT_FUNCTIONS } from '../../../src/sql/functions/missing-functions.js';
import { functionsNamed, resolveFunction } from '../../../src/sql/functions/index.js';
import { leftOutType } from '../../../src/sql/types/left-out.js';
import { typeByName } from '../../../src/sql/types/registry.js';
import { OID } from '../../../src/sql/types/oids.js';

describe('what is left out', () => {
  it('is refused as not supported, other names as not known', () => {
    expect(() => resolveFunction('to_tsvector', [OID.text])).toThrow('function to_tsvector(text) is not supported');
    expect(() => resolveFunction('no_such', [OID.text])).toThrow('function no_such(text) does not exist');
    expect(leftOutType('tsvector')?.sqlstate).toBe('0A000');
    expect(leftOutType('no_such')).toBeNull();
  });

  it('is nothing that is there', () => {
    for (const name of LEFT_OUT_FUNCTIONS) expect(functionsNamed(name), name).toEqual([]);
    for (const name of ['tsvector', 'tsquery', 'point', 'box', 'money'])
      expect([typeByName(name), leftOutType(name)?.sqlstate]).toEqual([null, '0A000']);
  });
});
