import { describe, expect, it } from 'vitest';
import {
  argumentError,
  requireBoolean,
  requireInteger,
  requireNumber,
  requireOneOf,
  requireShape,
} from '../../src/core/checks.js';

describe('argument checks', () => {
  it('say who wanted what and what came', () => {
    expect(argumentError('Owner', 'size', 'an integer', 'two').message).toBe(
      'Owner: size must be an integer, received "two".',
    );
    expect(argumentError('Owner', 'f', 'x', () => 1).message).toContain('received a function.');
    expect(argumentError('Owner', 'f', 'x', [1, null, 'a']).message).toContain('received [1, null, "a"].');
    expect(argumentError('Owner', 'f', 'x', { a: 1 }).message).toContain('received {"a":1}.');
    expect(argumentError('Owner', 'f', 'x', new Map()).message).toContain('received an object of a class.');
    expect(argumentError('Owner', 'f', 'x', undefined).message).toContain('received undefined.');
  });

  it('pass integers in range and nothing else', () => {
    expect(requireInteger('O', 'n', 3, 0, 5)).toBe(3);
    for (const bad of [1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', null, -1, 6]) {
      expect(() => requireInteger('O', 'n', bad, 0, 5)).toThrow('O: n must be an integer in [0, 5]');
    }
    expect(() => requireInteger('O', 'n', 0, 1)).toThrow('O: n must be an integer of at least 1, received 0.');
    expect(() => requireInteger('O', 'n', 0.5)).toThrow('O: n must be an integer, received 0.5.');
  });

  it('pass finite numbers in range and nothing else', () => {
    expect(requireNumber('O', 'x', -0.5)).toBe(-0.5);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, '1', undefined]) {
      expect(() => requireNumber('O', 'x', bad)).toThrow('O: x must be a finite number');
    }
    expect(() => requireNumber('O', 'x', 2, 0, 1)).toThrow('O: x must be a number in [0, 1], received 2.');
    expect(() => requireNumber('O', 'x', -1, 0)).toThrow('O: x must be a number of at least 0, received -1.');
    expect(requireNumber('O', 'x', 1e-300, Number.MIN_VALUE)).toBe(1e-300);
    expect(() => requireNumber('O', 'x', 0, Number.MIN_VALUE)).toThrow('O: x must be a positive number, received 0.');
    expect(() => requireNumber('O', 'x', 0, Number.MIN_VALUE, 1)).toThrow(
      'O: x must be a number in (0, 1], received 0.',
    );
  });

  it('pass booleans, choices and ranks', () => {
    expect(requireBoolean('O', 'b', false)).toBe(false);
    expect(() => requireBoolean('O', 'b', 0)).toThrow('O: b must be a boolean, received 0.');
    expect(requireOneOf('O', 'c', 'a', ['a', 'b'])).toBe('a');
    expect(() => requireOneOf('O', 'c', 'd', ['a', 'b'])).toThrow('O: c must be one of "a", "b", received "d".');
  });

  it('pass shapes whose sizes are those asked for, or known, or open where they may be', () => {
    expect(requireShape('O', 'x', [null, 2, null, 5], ['batch', 2, 'count?', 'dim'])).toEqual([null, 2, null, 5]);
    expect(requireShape('O', 'x', [null, null], ['batch', null])).toEqual([null, null]);
    for (const bad of [[null], [null, 3], [null, 2, 1], [null, null]]) {
      expect(() => requireShape('O', 'x', bad, ['batch', 2])).toThrow(
        `O: x must be of shape [batch, 2], received [${bad.map(String).join(', ')}].`,
      );
    }
    expect(() => requireShape('O', 'x', [4, null], ['batch', 'dim'])).toThrow(
      'O: x must be of shape [batch, dim], received [4, null].',
    );
  });
});
