// A state store in memory, with etags and content types.

const items = new Map();
let run;
let writes = 0;

function mismatch(key) {
  return { tag: 'etag-mismatch', val: key };
}

function holds({ key, condition }) {
  const etag = items.get(key)?.etag;
  switch (condition.tag) {
    case 'absent':
      return etag === undefined;
    case 'matches':
      return etag === condition.val;
    default:
      return true;
  }
}

// These two answer the error, if there is one.

function put(item) {
  const { key, value, contentType } = item;
  if (!holds(item)) return mismatch(key);
  writes += 1;
  items.set(key, { value, contentType, etag: `${run}-${writes}`, metadata: [] });
}

function remove({ key, etag }) {
  if (etag != null && items.get(key)?.etag !== etag) return mismatch(key);
  items.delete(key);
}

function orThrow(error) {
  if (error) throw error;
}

function asResult(error) {
  return error ? { tag: 'err', val: error } : { tag: 'ok' };
}

export const provider = {
  init({ metadata }) {
    for (const [name] of metadata) {
      throw { tag: 'invalid', val: `unknown metadata \`${name}\`: this store has none` };
    }
    // Not at the top, which is run when the component is built. The time, since QuickJS has the same random numbers in
    // every instance.
    run = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    return {
      features: { etags: true, contentTypes: true },
      instances: 'one',
      limits: {},
    };
  },

  get(caller, key, options) {
    return items.get(key);
  },

  bulkGet(caller, keys, options, maxBytes) {
    let left = maxBytes;
    return keys.map((key) => {
      const item = items.get(key);
      if (item) left -= item.value.length + item.etag.length + (item.contentType?.length ?? 0);
      if (left < 0) throw { tag: 'too-large', val: `the items exceed ${maxBytes} bytes together` };
      return item;
    });
  },

  set(caller, item) {
    orThrow(put(item));
  },

  bulkSet(caller, list) {
    return list.map((item) => asResult(put(item)));
  },

  delete(caller, item) {
    orThrow(remove(item));
  },

  bulkDelete(caller, list) {
    return list.map((item) => asResult(remove(item)));
  },

  // Not declared, so not called.

  transact() {
    throw { tag: 'internal', val: 'not declared' };
  },

  listKeys() {
    throw { tag: 'internal', val: 'not declared' };
  },
};
