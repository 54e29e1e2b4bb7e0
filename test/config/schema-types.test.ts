import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type as TypeBox } from 'typebox';
import { Type } from '../../src/schema-types.js';

/** One schema of everything that the builder can build, made by the given builder. */
function everything(T: typeof Type): unknown {
  const name = T.String({ description: 'a name', minLength: 1 });
  const inner = T.Object({ a: T.Optional(name), b: T.Integer({ minimum: 1 }) }, { additionalProperties: false });
  return T.Object({
    object: inner,
    copy: T.Optional(T.Unsafe<string>({ ...inner, description: 'a copy' })),
    unsafe: T.Unsafe<number>(T.Optional(T.Number())),
    spread: T.Unsafe<number>({ ...T.Optional(T.Number()) }),
    list: T.Array(T.Number(), { maxItems: 3 }),
    bare: T.Array(T.Boolean()),
    union: T.Union([T.Literal('x'), T.Literal(2, { description: 'two' }), T.Literal(true), T.Null()], { default: 'x' }),
    bareUnion: T.Union([T.Boolean({ default: true }), T.Unknown({ description: 'anything' })]),
    record: T.Record(T.String(), T.Integer()),
    described: T.Record(T.String({ minLength: 1 }), T.Null(), { description: 'by name', default: {} }),
    numbered: T.Record(T.String({ pattern: '^-?[0-9]+$' }), T.String()),
    nothing: T.Object({ only: T.Optional(T.Unknown()) }, { $id: 'Nothing' }),
  });
}

test("the builder builds what TypeBox's own builds, to the letter", () => {
  assert.equal(JSON.stringify(everything(Type), null, 1), JSON.stringify(everything(TypeBox), null, 1));
});
