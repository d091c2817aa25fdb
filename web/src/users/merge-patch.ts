import type { Metadata } from './metadata';

/**
 * What turns one object into another as a JSON merge patch (RFC 7396): what is
 * gone is null there. So no member can be set to null; `impossible` names the
 * first that would have to be.
 */
export function mergePatch(from: Metadata, to: Metadata): { patch: Metadata; impossible?: string } {
  const patch: Metadata = {};
  let impossible: string | undefined;
  for (const key of Object.keys(from)) {
    if (!(key in to)) patch[key] = null;
  }
  for (const [key, value] of Object.entries(to)) {
    const old = from[key];
    if (same(old, value)) continue;
    if (isObject(value)) {
      // Into anything but an object, an object is written as if into an empty one.
      const inner = mergePatch(isObject(old) ? old : {}, value);
      patch[key] = inner.patch;
      if (inner.impossible) impossible ??= `${key}.${inner.impossible}`;
    } else {
      patch[key] = value;
      if (value === null) impossible ??= key;
    }
  }
  return { patch, impossible };
}

function isObject(v: unknown): v is Metadata {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}

function same(a: unknown, b: unknown): boolean {
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((k) => k in b && same(a[k], b[k]));
  }
  return JSON.stringify(a) === JSON.stringify(b);
}
