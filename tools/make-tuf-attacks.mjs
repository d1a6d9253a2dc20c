/*
 * Makes tests/data/tuf/attacks.json: repositories under attack, step by step, with the metadata
 * made and signed by another implementation of TUF (tuf-js's models and Node's crypto), so that
 * trust/tuf_client.c is not tested with its own idea of the format.
 *
 *   mkdir x && cd x && npm install @tufjs/models@5.0.2
 *   node …/tools/make-tuf-attacks.mjs > …/tests/data/tuf/attacks.json
 *
 * Every run makes new keys; what the cases say stays. trust/tuf_attacks_test.c plays them.
 */
import crypto from 'node:crypto';
import {createRequire} from 'node:module';

const load = createRequire(process.cwd() + '/');
const tuf = {...load('@tufjs/models'), ...load('@tufjs/models/dist/role'),
  ...load('@tufjs/models/dist/delegations')};

const SPEC = '1.0.31';
const NOW = '2026-11-21T00:00:00Z';
const LATER = '2999-01-01T00:00:00Z';
const PAST = '2026-11-20T00:00:00Z';

// Keys.

const kinds = {
  'ed25519': () => crypto.generateKeyPairSync('ed25519'),
  'ecdsa-sha2-nistp256': () => crypto.generateKeyPairSync('ec', {namedCurve: 'P-256'}),
  'rsassa-pss-sha256': () => crypto.generateKeyPairSync('rsa', {modulusLength: 2048}),
  'rsa-pkcs1v15-sha256': () => crypto.generateKeyPairSync('rsa', {modulusLength: 2048}),
  'rsa-1024': () => crypto.generateKeyPairSync('rsa', {modulusLength: 1024}),
};

function signBytes(scheme, secret, data) {
  if (scheme === 'ed25519') return crypto.sign(null, data, secret);
  if (scheme !== 'rsassa-pss-sha256') return crypto.sign('sha256', data, secret);
  const padding = crypto.constants.RSA_PKCS1_PSS_PADDING;
  return crypto.sign('sha256', data, {key: secret, padding, saltLength: 32});
}

function publicText(kind, key) {
  if (kind === 'ed25519') return key.export({format: 'der', type: 'spki'}).subarray(12).toString('hex');
  return key.export({format: 'pem', type: 'spki'});
}

// A person's key; `id` gives the same key another name.
function person(holder, keyClass, kind = 'ed25519', keytype = undefined) {
  const {publicKey, privateKey} = kinds[kind]();
  const scheme = kind === 'rsa-1024' ? 'rsa-pkcs1v15-sha256' : kind;
  const keyVal = {public: publicText(kind, publicKey)};
  const type = keytype ?? {ed25519: 'ed25519', 'ecdsa-sha2-nistp256': 'ecdsa'}[kind] ?? 'rsa';
  const unrecognizedFields = {};
  if (holder) unrecognizedFields['x-holder'] = holder;
  if (keyClass) unrecognizedFields['x-class'] = keyClass;
  const id = crypto.createHash('sha256').update(JSON.stringify([type, scheme, keyVal])).digest('hex');
  const key = new tuf.Key({keyID: id, keyType: type, scheme, keyVal, unrecognizedFields});
  return {key, id, sign: (data) => new tuf.Signature(
      {keyID: id, sig: signBytes(scheme, privateKey, data).toString('hex')})};
}

function alias(signer, id, holder) {
  const key = new tuf.Key({keyID: id, keyType: signer.key.keyType, scheme: signer.key.scheme,
    keyVal: signer.key.keyVal, unrecognizedFields: holder ? {'x-holder': holder} : {}});
  return {key, id, sign: (data) => new tuf.Signature({keyID: id, sig: signer.sign(data).sig})};
}

function holders(threshold, ...signers) {
  return {threshold, keys: signers, signers};
}

// A repository that publishes what its fields say.

class Repository {
  constructor() {
    this.files = {};
    this.consistent = true;
    this.hashes = false;
    this.spec = SPEC;
    this.rootFields = {};
    this.expires = {root: LATER, targets: LATER, snapshot: LATER, timestamp: LATER};
    this.versions = {root: 0, targets: 0, snapshot: 0, timestamp: 0};
    this.roles = {};     // of the root: {threshold, keys, signers}
    this.delegated = {}; // name: {by, paths | prefixes, terminating, threshold, keys, signers}
    this.targets = {targets: {}};
    this.meta = {};      // what the next snapshot names
  }

  copy() {
    const other = Object.assign(new Repository(), this);
    const shallow = (o) => Object.fromEntries(Object.entries(o).map(([k, v]) => [k, {...v}]));
    for (const name of ['files', 'expires', 'versions', 'rootFields', 'meta']) other[name] = {...this[name]};
    for (const name of ['roles', 'delegated', 'targets']) other[name] = shallow(this[name]);
    return other;
  }

  put(role, signed, signers, where) {
    signed.specVersion = this.spec;
    const metadata = new tuf.Metadata(signed);
    for (const each of signers) metadata.sign(each.sign, true);
    this.serve(where, JSON.stringify(metadata.toJSON()));
    return metadata;
  }

  serve(path, text) {
    this.files[path] = text;
  }

  common(role) {
    return {version: this.versions[role], specVersion: SPEC,
      expires: this.expires[role] ?? LATER, unrecognizedFields: {}};
  }

  place(role) {
    return `metadata/${this.consistent ? `${this.versions[role]}.` : ''}${encodeURIComponent(role)}.json`;
  }

  root(signers) {
    this.versions.root++;
    const keys = {}, roles = {};
    for (const [name, role] of Object.entries(this.roles)) {
      for (const each of role.keys) keys[each.id] = each.key;
      roles[name] = new tuf.Role({keyIDs: role.keys.map((k) => k.id), threshold: role.threshold});
    }
    const root = new tuf.Root({...this.common('root'), keys, roles,
      consistentSnapshot: this.consistent, unrecognizedFields: this.rootFields});
    this.put('root', root, signers ?? this.roles.root.signers,
             `metadata/${this.versions.root}.root.json`);
  }

  delegations(role) {
    const mine = Object.entries(this.delegated).filter(([, d]) => d.by === role);
    if (mine.length === 0) return undefined;
    const keys = {}, roles = {};
    for (const [name, d] of mine) {
      for (const each of d.keys) keys[each.id] = each.key;
      roles[name] = new tuf.DelegatedRole({name, keyIDs: d.keys.map((k) => k.id),
        threshold: d.threshold, terminating: d.terminating ?? true, paths: d.paths,
        pathHashPrefixes: d.prefixes});
    }
    return new tuf.Delegations({keys, roles});
  }

  role(name, options = {}) {
    this.versions[name] = options.version ?? (this.versions[name] ?? 0) + 1;
    const files = {};
    for (const [path, content] of Object.entries(this.targets[name] ?? {})) {
      const hashes = {sha256: sha256(content)};
      files[path] = new tuf.TargetFile({path, length: content.length, hashes});
      const at = path.lastIndexOf('/') + 1;
      const where = this.consistent ? `${path.slice(0, at)}${hashes.sha256}.${path.slice(at)}` : path;
      this.serve(`targets/${where}`, content);
    }
    const signed = new tuf.Targets({...this.common(name), targets: files,
      delegations: this.delegations(name)});
    const holder = name === 'targets' ? this.roles.targets : this.delegated[name];
    this.put(name, signed, options.signers ?? holder.signers, this.place(name));
    this.meta[name] = this.describe(name);
  }

  describe(name) {
    const file = this.files[this.place(name)];
    const more = this.hashes ? {length: file.length, hashes: {sha256: sha256(file)}} : {};
    return {version: this.versions[name], ...more};
  }

  snapshot(options = {}) {
    this.versions.snapshot = options.version ?? this.versions.snapshot + 1;
    const meta = {};
    for (const [name, what] of Object.entries(this.meta)) meta[`${name}.json`] = new tuf.MetaFile(what);
    const signed = new tuf.Snapshot({...this.common('snapshot'), meta});
    this.put('snapshot', signed, options.signers ?? this.roles.snapshot.signers, this.place('snapshot'));
    this.snapshotMeta = this.describe('snapshot');
  }

  timestamp(options = {}) {
    this.versions.timestamp = options.version ?? this.versions.timestamp + 1;
    const signed = new tuf.Timestamp({...this.common('timestamp'),
      snapshotMeta: new tuf.MetaFile(options.meta ?? this.snapshotMeta)});
    this.put('timestamp', signed, options.signers ?? this.roles.timestamp.signers,
             'metadata/timestamp.json');
  }

  publish(...names) {
    for (const name of names) this.role(name);
    this.snapshot();
    this.timestamp();
  }
}

function sha256(text) {
  return crypto.createHash('sha256').update(text).digest('hex');
}

function edit(repository, path, change) {
  const document = JSON.parse(repository.files[path]);
  change(document);
  repository.serve(path, JSON.stringify(document));
}

// The province everything starts from.

const people = {
  heads: [person('head-1'), person('head-2'), person('head-3')],
  province: [person('thu', 'file'), person('hoa', 'token')],
  lan: person('lan', 'file'), lanPhone: person('lan', 'browser'), lanToken: person('lan', 'token'),
  minh: person('minh', 'browser'), binh: person('binh', 'browser'), cuong: person('cuong', 'file'),
  technician: person('ky-thuat', 'file'), other: person('xa-khac', 'file'),
  snapshot: person(), timestamp: person(), thief: person('thief', 'file'),
};
const A = 'u/31333/a.json', B = 'u/31337/b.json';

function province(change = () => {}) {
  const r = new Repository();
  r.roles = {
    root: holders(2, ...people.heads), targets: holders(2, ...people.province),
    snapshot: holders(1, people.snapshot), timestamp: holders(1, people.timestamp),
  };
  const {lan, lanPhone, lanToken, minh, binh, cuong} = people;
  r.delegated = {
    'u-31333': {by: 'targets', paths: ['u/31333/*'], threshold: 2,
      keys: [lan, lanPhone, lanToken, minh, binh, cuong], signers: [lan, minh]},
    'u-31337': {by: 'targets', paths: ['u/31337/*'], threshold: 1, keys: [people.other],
      signers: [people.other]},
    's-31333': {by: 'targets', paths: ['s/31333/*'], threshold: 1, keys: [people.technician],
      signers: [people.technician]},
    'em-31333': {by: 'targets', paths: [], threshold: 1, keys: [people.cuong], signers: []},
  };
  r.targets = {
    targets: {'servers.json': '{"format":1}', 'p/chung.json': 'chung'},
    'u-31333': {[A]: 'a1'}, 'u-31337': {[B]: 'b1'}, 's-31333': {'s/31333/cong.json': 'cong'},
  };
  change(r);
  r.root();
  r.publish('u-31333', 'u-31337', 's-31333', 'targets');
  return r;
}

const base = province();
const cases = [];

class Case {
  constructor(name, start) {
    this.repository = start ? start : base.copy();
    this.root = this.repository.files['metadata/1.root.json'];
    this.shown = start ? {} : {...base.files};
    this.told = {name, fresh: Boolean(start), steps: []};
    if (start) this.told.root = this.root;
    cases.push(this.told);
  }

  step(what, expect, more) {
    const files = {};
    for (const [path, text] of Object.entries(this.repository.files)) {
      if (this.shown[path] !== text) files[path] = text;
    }
    for (const path of Object.keys(this.shown)) {
      if (!(path in this.repository.files)) files[path] = null;
    }
    this.shown = {...this.repository.files};
    this.told.steps.push({do: what, expect, files, ...more});
    return this;
  }

  refresh(expect = 'OK', more = {}) {
    return this.step('refresh', expect, more);
  }

  find(path, expect = 'OK', more = {}) {
    return this.step('find', expect, {path, ...more});
  }

  download(path, expect = 'OK', content = undefined) {
    return this.step('download', expect, {path, content});
  }

  change(what) {
    what(this.repository);
    return this;
  }
}

function attack(name, start) {
  return new Case(name, start);
}

// What must work.

attack('an honest repository').refresh('OK', {trusted: {root: 1, timestamp: 1, snapshot: 1, targets: 1}})
    .download(A, 'OK', 'a1').download('p/chung.json', 'OK', 'chung').find(B).find('u/31333/none', 'ENOENT')
    .change((r) => { r.targets['u-31333'][A] = 'a2'; r.publish('u-31333'); })
    .refresh().download(A, 'OK', 'a2').download(B, 'OK', 'b1');

for (const kind of ['ecdsa-sha2-nistp256', 'rsassa-pss-sha256', 'rsa-pkcs1v15-sha256']) {
  const r = province((x) => {
    for (const role of Object.values(x.roles)) Object.assign(role, holders(1, person(undefined, undefined, kind)));
  });
  const c = attack(`keys of scheme ${kind}`, r).refresh().download(A, 'OK', 'a1');
  c.change((x) => x.timestamp()).change((x) => edit(x, 'metadata/timestamp.json',
      (d) => { d.signatures[0].sig = d.signatures[0].sig.replace(/..$/, (b) => b === '00' ? '01' : '00'); }));
  c.refresh('EACCES');
}

attack('keytype ecdsa-sha2-nistp256', province((r) => {
  r.roles.timestamp = holders(1, person(undefined, undefined, 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'));
})).refresh();

attack('without consistent snapshots', province((r) => { r.consistent = false; }))
    .refresh().download(A, 'OK', 'a1')
    .change((r) => { r.targets['u-31333'][A] = 'a2'; r.publish('u-31333'); }).refresh().download(A, 'OK', 'a2');

attack('lengths and hashes of metadata', province((r) => { r.hashes = true; }))
    .refresh().download(A, 'OK', 'a1').change((r) => r.publish('targets')).refresh();

attack('unknown fields are kept and signed', province((r) => {
  r.rootFields = {'x-demo': false, custom: {vi: 'Bảng tin “tỉnh”\n\\', list: [1, null, true, -5]}};
})).refresh();

attack('a key that is not known counts nothing', province((r) => {
  const odd = person();
  odd.key = new tuf.Key({keyID: odd.id, keyType: 'sphincs', scheme: 'sphincs-shake', keyVal: {public: 'x'}});
  r.roles.timestamp.keys = [people.timestamp, odd];
})).refresh();

attack('a place left for a signature is not one').change((r) => {
  r.publish();
  edit(r, 'metadata/timestamp.json', (d) => d.signatures.push({keyid: people.thief.id, sig: ''}));
}).refresh();

// Forgery.

attack('content that was not signed').change((r) => {
  r.serve(`targets/u/31333/${sha256('a1')}.a.json`, 'xx');
}).refresh().download(A, 'EBADMSG');

attack('targets signed by nobody we know').change((r) => {
  r.targets.targets['p/chung.json'] = 'forged';
  r.role('targets', {signers: [people.thief, person('other')]});
  r.snapshot(); r.timestamp();
}).refresh('EACCES', {trusted: {root: 1, timestamp: 2, snapshot: 2, targets: 0}});

attack('a signature over something else').refresh().change((r) => {
  r.publish('u-31333');
  edit(r, 'metadata/2.u-31333.json', (d) => { d.signed.targets[A].hashes.sha256 = sha256('forged'); });
}).refresh().find(A, 'EACCES');

attack('one role passed off as another').change((r) => {
  r.roles.timestamp.signers = [people.timestamp];
  r.serve('metadata/timestamp.json', r.files['metadata/1.snapshot.json']);
}).refresh('EINVAL');

attack('a key id that claims another key', province((r) => {
  const real = people.timestamp;
  const forged = alias(people.thief, real.id);
  r.roles.timestamp = {threshold: 1, keys: [real], signers: [forged]};
})).refresh('EACCES');

attack('an RSA key that is too short counts nothing', province((r) => {
  r.roles.timestamp = holders(1, person(undefined, undefined, 'rsa-1024'));
})).refresh('EACCES');

attack('a version of the specification we do not speak').refresh()
    .change((r) => { r.spec = '2.0.0'; r.timestamp(); }).refresh('EINVAL');

// People, not keys.

function signedBy(name, signers, expect) {
  attack(name).refresh().change((r) => {
    r.targets['u-31333'][A] = 'a2';
    r.role('u-31333', {signers});
    r.snapshot(); r.timestamp();
  }).refresh().find(A, expect);
}

signedBy('one approver of two', [people.lan], 'EACCES');
signedBy('two keys of one person', [people.lan, people.lanToken], 'EACCES');
signedBy('a file and a browser of one person', [people.lan, people.lanPhone], 'EACCES');
signedBy('two browsers of two people', [people.minh, people.binh], 'EACCES');
signedBy('two browsers and a file', [people.minh, people.binh, people.cuong], 'OK');
signedBy('two people with files', [people.lan, people.cuong], 'OK');
signedBy('a browser that signed first does not hide a file', [people.lanPhone, people.minh, people.lan], 'OK');

attack('one key under two ids', province((r) => {
  const twin = alias(people.lan, 'f'.repeat(64), 'somebody else');
  Object.assign(r.delegated['u-31333'], {keys: [people.lan, twin], signers: [people.lan, twin]});
})).refresh().find(A, 'EACCES');

attack('one signature twice').refresh().change((r) => {
  r.role('u-31333', {signers: [people.lan]});
  r.snapshot(); r.timestamp();
  edit(r, 'metadata/2.u-31333.json', (d) => d.signatures.push(d.signatures[0]));
}).refresh().find(A, 'EINVAL');

attack('a lone root key', province()).refresh().change((r) => {
  r.roles.targets = holders(1, people.thief);
  r.root([people.heads[0]]);
}).refresh('EACCES', {trusted: {root: 1}});

// Whose it is.

attack('a unit signs for another unit').refresh().change((r) => {
  r.targets['u-31337'] = {[A]: 'by 31337', 'p/chung.json': 'by 31337', 's/31333/cong.json': 'by 31337'};
  r.publish('u-31337');
}).refresh().download(A, 'OK', 'a1').download('p/chung.json', 'OK', 'chung').download('s/31333/cong.json', 'OK', 'cong');

attack('a unit delegates to itself what it does not have').refresh().change((r) => {
  r.delegated['far'] = {by: 'u-31337', paths: ['u/31333/*'], threshold: 1, keys: [people.thief],
    signers: [people.thief]};
  r.targets['far'] = {'u/31333/new.json': 'x'};
  r.publish('far', 'u-31337');
}).refresh().find('u/31333/new.json', 'ENOENT');

attack('what the directory holds, not what lies below').refresh().change((r) => {
  r.targets['u-31333']['u/31333/deep/x.json'] = 'x';
  r.publish('u-31333');
}).refresh().find('u/31333/deep/x.json', 'ENOENT');

attack('keys of the emergency role stand in the targets').refresh()
    .step('keys', 'OK', {path: 'em-31333', count: 1}).step('keys', 'ENOENT', {path: 'em-9'});

// Rollback, freeze, mix and match, fast-forward.

attack('rollback of timestamp').change((r) => r.timestamp()).refresh().change((r) => {
  r.serve('metadata/timestamp.json', base.files['metadata/timestamp.json']);
}).refresh('ESTALE', {trusted: {timestamp: 2}});

attack('another timestamp of the same version changes nothing').refresh().change((r) => {
  r.publish('u-31333');
  r.timestamp({version: 1});
}).refresh('OK', {trusted: {timestamp: 1, snapshot: 1}});

attack('rollback of snapshot').change((r) => r.publish()).refresh().change((r) => {
  r.timestamp({meta: {version: 1}});
}).refresh('ESTALE', {trusted: {timestamp: 2, snapshot: 2}});

attack('rollback of targets').change((r) => r.publish('targets')).refresh().change((r) => {
  r.meta.targets = {version: 1};
  r.publish();
}).refresh('ESTALE', {trusted: {snapshot: 2, targets: 2}});

attack('rollback of a unit').change((r) => r.publish('u-31333')).refresh().find(A).change((r) => {
  r.meta['u-31333'] = {version: 1};
  r.publish();
}).refresh('ESTALE', {trusted: {snapshot: 2}});

attack('a unit vanishes from the snapshot').refresh().change((r) => {
  delete r.meta['u-31333'];
  r.publish();
}).refresh('ESTALE').find(A, 'ESTALE');

attack('rollback while the disk has an expired timestamp').change((r) => {
  r.expires.timestamp = '2026-11-21T01:00:00Z';
  r.timestamp();
}).refresh().change((r) => {
  r.expires.timestamp = LATER;
  r.timestamp({version: 1});
}).refresh('ESTALE', {now: '2026-11-21T02:00:00Z', trusted: {timestamp: 2}});

for (const role of ['timestamp', 'snapshot', 'targets']) {
  attack(`freeze: expired ${role}`).refresh().change((r) => {
    r.expires[role] = PAST;
    r.publish('targets');
  }).refresh('ETIME', {trusted: {[role]: 1}});
}

attack('freeze: nothing new for too long').change((r) => {
  r.expires.timestamp = '2026-11-22T00:00:00Z';
  r.timestamp();
}).refresh().find(A).refresh('ETIME', {now: '2026-11-22T00:00:00Z'})
    .find(A, 'ETIME', {now: '2026-11-22T00:00:00Z'});

for (const role of ['snapshot', 'targets', 'u-31333']) {
  attack(`freeze: the kept ${role} expires`).change((r) => {
    r.expires[role] = '2026-11-21T01:00:00Z';
    r.publish('targets', 'u-31333');
  }).refresh().find(A).change((r) => r.timestamp())
      .refresh(role === 'u-31333' ? 'OK' : 'ETIME', {now: '2026-11-21T02:00:00Z'})
      .find(A, 'ETIME', {now: '2026-11-21T02:00:00Z'});
}

attack('freeze: an expired unit').refresh().change((r) => {
  r.expires['u-31333'] = PAST;
  r.publish('u-31333');
}).refresh().find(A, 'ETIME').find(B);

attack('freeze: an expired root').refresh().change((r) => { r.expires.root = PAST; r.root(); })
    .refresh('ETIME', {trusted: {root: 2}})
    .change((r) => { r.expires.root = LATER; r.root(); }).refresh('OK', {trusted: {root: 3}});

attack('mix and match: new snapshot, old targets').refresh().change((r) => {
  r.publish('targets');
  r.serve('metadata/2.targets.json', base.files['metadata/1.targets.json']);
}).refresh('ESTALE', {trusted: {snapshot: 2, targets: 1}}).find(A, 'ESTALE');

attack('mix and match: a unit of another day').refresh().change((r) => {
  r.publish('u-31333');
  r.serve('metadata/2.u-31333.json', base.files['metadata/1.u-31333.json']);
}).refresh().find(A, 'ESTALE');

attack('mix and match: right version, wrong length', province((r) => { r.hashes = true; })).refresh()
    .change((r) => {
      r.role('targets');
      r.meta.targets = {version: 2, length: r.meta.targets.length + 1};
      r.snapshot(); r.timestamp();
    }).refresh('EBADMSG', {trusted: {snapshot: 2, targets: 1}});

attack('mix and match: right version, wrong hash', province((r) => { r.hashes = true; })).refresh()
    .change((r) => {
      r.role('targets');
      r.meta.targets.hashes.sha256 = sha256('another');
      r.snapshot(); r.timestamp();
    }).refresh('EBADMSG', {trusted: {snapshot: 2, targets: 1}});

attack('the repository lacks what it names').refresh().change((r) => {
  r.publish('u-31333');
  delete r.files['metadata/2.u-31333.json'];
}).refresh().find(A, 'ENODATA').find(B);

attack('endless timestamp').change((r) => {
  r.serve('metadata/timestamp.json', r.files['metadata/timestamp.json'] + ' '.repeat(20000));
}).refresh('EMSGSIZE');

attack('longer than the snapshot says', province((r) => { r.hashes = true; })).refresh()
    .change((r) => {
      r.publish('targets');
      r.serve('metadata/2.targets.json', r.files['metadata/2.targets.json'] + ' ');
    }).refresh('EMSGSIZE');

attack('endless target').change((r) => {
  r.serve(`targets/u/31333/${sha256('a1')}.a.json`, 'a1 and more');
}).refresh().download(A, 'EMSGSIZE');

attack('fast-forward of timestamp, recovered by a new key').change((r) => {
  r.timestamp({version: 99999});
}).refresh().change((r) => {
  r.roles.timestamp = holders(1, person());
  r.root();
  r.timestamp({version: 2});
}).refresh('OK', {trusted: {root: 2, timestamp: 2}});

attack('fast-forward of snapshot, recovered by new keys').change((r) => {
  r.snapshot({version: 99999}); r.timestamp();
}).refresh().change((r) => {
  r.roles.snapshot = holders(1, person());
  r.roles.timestamp = holders(1, person());
  r.root();
  r.snapshot({version: 2}); r.timestamp();
}).refresh('OK', {trusted: {snapshot: 2}});

attack('fast-forward of a unit, recovered by a new snapshot key').change((r) => {
  r.meta['u-31333'] = {version: 99999};
  r.snapshot(); r.timestamp();
}).refresh().find(A, 'ENODATA').change((r) => {
  r.roles.snapshot = holders(1, person());
  r.root();
  r.publish('u-31333');
}).refresh().find(A);

{
  // Signed with both keys, so that the one that stays would still vouch for it.
  const keys = [person(), person()];
  attack('fast-forward, recovered by taking one of two keys out', province((r) => {
    r.roles.timestamp = holders(1, ...keys);
  })).change((r) => r.timestamp({version: 99999})).refresh().change((r) => {
    r.roles.timestamp = holders(1, keys[1]);
    r.root();
    r.timestamp({version: 2});
  }).refresh('OK', {trusted: {root: 2, timestamp: 2}});
}

attack('what has too few signatures now is not held against the next').change((r) => {
  r.timestamp({version: 9});
}).refresh().change((r) => {
  r.roles.timestamp = holders(2, people.timestamp, person());
  r.root();
  r.timestamp({version: 2});
}).refresh('OK', {trusted: {root: 2, timestamp: 2}});

attack('a key more is no recovery').change((r) => r.timestamp({version: 9})).refresh().change((r) => {
  r.roles.timestamp.keys = [people.timestamp, person()];
  r.root();
  r.timestamp({version: 2});
}).refresh('ESTALE', {trusted: {root: 2, timestamp: 9}});

// Keys that change.

attack('a chain of roots').refresh().change((r) => {
  const old = r.roles.root.signers;
  r.roles.root = holders(2, person('head-4'), person('head-5'), people.heads[2]);
  r.root([...old, ...r.roles.root.signers]);
  r.root();
  r.root();
}).refresh('OK', {trusted: {root: 4}});

attack('a new root that the old one does not vouch for').refresh().change((r) => {
  r.roles.root = holders(1, people.thief);
  r.root();
}).refresh('EACCES', {trusted: {root: 1}});

attack('a new root without its own signatures').refresh().change((r) => {
  const old = r.roles.root.signers;
  r.roles.root = holders(2, person('head-4'), person('head-5'));
  r.root(old);
}).refresh('EACCES', {trusted: {root: 1}});

attack('a root that skips a version').refresh().change((r) => {
  r.versions.root++;
  r.root();
  r.serve('metadata/2.root.json', r.files['metadata/3.root.json']);
  delete r.files['metadata/3.root.json'];
}).refresh('ESTALE', {trusted: {root: 1}});

attack('an approver whose key was revoked').refresh().find(A).change((r) => {
  const {cuong, minh} = people;
  Object.assign(r.delegated['u-31333'], {keys: [cuong, minh], signers: [cuong, minh]});
  r.publish('targets');
}).refresh().find(A, 'EACCES').change((r) => r.publish('u-31333')).refresh().find(A);

attack('the kept copy does not outlive its delegator', province((r) => {
  Object.assign(r.delegated['u-31337'], holders(1, people.other));
})).refresh().find(B).change((r) => {
  Object.assign(r.delegated['u-31337'], holders(1, people.cuong));
  r.publish('targets');
}).refresh().find(B, 'EACCES');

attack('a unit that was dissolved').refresh().find(A).change((r) => {
  delete r.delegated['u-31333'];
  r.publish('targets');
}).refresh().find(A, 'ENOENT');

attack('online keys that changed').refresh().change((r) => {
  r.roles.snapshot = holders(1, person());
  r.roles.timestamp = holders(1, person());
  r.root();
  r.timestamp({signers: [people.timestamp]});
}).refresh('EACCES', {trusted: {root: 2, timestamp: 0}}).change((r) => r.publish()).refresh();

// Delegations.

function graph(edges, targets = {}) {
  return province((r) => {
    for (const [by, name, options] of edges) {
      const signer = r.delegated[name]?.signers[0] ?? person();
      r.delegated[name] = {by, paths: ['*'], threshold: 1, terminating: false, keys: [signer],
        signers: [signer], ...options};
    }
    const publish = r.publish.bind(r);
    r.targets = {...r.targets, ...targets};
    r.publish = (...names) => publish(...edges.map((e) => e[1]), ...names);
  });
}

attack('delegations are asked in order, depth first', graph(
    [['targets', 'x'], ['x', 'y'], ['targets', 'z']], {y: {f: 'by y'}, z: {f: 'by z'}}))
    .refresh().download('f', 'OK', 'by y');

attack('a terminating delegation ends the search', graph(
    [['targets', 'x', {terminating: true}], ['targets', 'z']], {z: {f: 'by z'}}))
    .refresh().find('f', 'ENOENT');

{
  // y delegates back to x: two delegations of one name need two tables.
  const r = province();
  const signer = person();
  const give = (by, name) => ({by, paths: ['*'], threshold: 1, terminating: false, keys: [signer], signers: [signer]});
  r.delegated.x = give('targets', 'x');
  r.delegated.y = give('x', 'y');
  r.role('y'); r.role('x');
  r.delegated.x.by = 'y';
  r.role('y', {version: r.versions.y + 1});
  r.delegated.x.by = 'targets';
  r.publish('targets');
  attack('a role that delegates back', r).refresh().find('f', 'ENOENT');
}

attack('more roles than one search asks', graph(
    Array.from({length: 40}, (_, i) => [i === 0 ? 'targets' : `d${i - 1}`, `d${i}`])))
    .refresh().find('f', 'ELOOP');

attack('delegation by the hash of the path', graph(
    [['targets', 'h0', {paths: undefined, prefixes: ['0', '1', '2', '3', '4', '5', '6', '7']}],
      ['targets', 'h8', {paths: undefined, prefixes: ['8', '9', 'a', 'b', 'c', 'd', 'e', 'f']}]],
    {h0: {'file-1': 'h0', 'file-2': 'h0', 'file-3': 'h0'}, h8: {'file-1': 'h8', 'file-2': 'h8', 'file-3': 'h8'}}))
    .refresh()
    .download('file-1', 'OK', sha256('file-1') < '8' ? 'h0' : 'h8')
    .download('file-2', 'OK', sha256('file-2') < '8' ? 'h0' : 'h8')
    .download('file-3', 'OK', sha256('file-3') < '8' ? 'h0' : 'h8');

attack('names of roles that look like paths', graph([['targets', '../x'], ['targets', '?#']],
                                                    {'?#': {f: 'found'}}))
    .refresh().download('f', 'OK', 'found');

// One line for each case, so that a change shows where it is.
const lines = cases.map((each) => `  ${JSON.stringify(each)}`).join(',\n');
const head = {made_with: '@tufjs/models 5.0.2', now: NOW, root: base.files['metadata/1.root.json'],
  files: base.files};
process.stdout.write(`${JSON.stringify(head).slice(0, -1)},\n"cases": [\n${lines}\n]}\n`);
