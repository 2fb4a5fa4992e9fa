// The proof: the last verification and the ones before, a new one, the key that proves, and the head of the chain to be
// written down outside of the appliance.
import { h, t, named, icon, badge, empty, num, bytes, when, copy, lang } from './ui.js';
import { mayLook, get, withParams } from './data.js';
import { job, resume } from './jobs.js';

const fromName = (from) => from === 'local' ? t('proof.local') : from.replace(/^s3:/, '');

export async function proof(ctx, work) {
	const [a, places, { items }] = await Promise.all([ctx.archive(), ctx.places().catch(() => ({ items: [] })), get('/api/v1/archive/verifications')]);
	resume(ctx, work, 'verify', ended);
	const last = items.find((v) => v.ended_at);
	return [last ? outcome(last) : empty(t('proof.never'), h('p', { class: 'small' }, t('proof.never.next'))),
		mayLook() && a.head && ask(ctx, work, places.items),
		items.length > 1 && h('details', { class: 'earlier', 'data-key': 'verifications' }, h('summary', {}, t('proof.earlier', { n: num(items.length) })), history(items)),
		h('h3', {}, t('proof.head')), a.head ? headFacts(a.head) : h('p', { class: 'small' }, t('proof.nohead')),
		h('h3', {}, t('proof.key')), keyFacts(a.key)];
}

// [severity, sentence] of one verification.
function verdict(v) {
	if (v.error) return ['unknown', t(v.error === 'cancelled' ? 'proof.cancelled' : 'proof.broke')];
	return v.faults > 0 ? ['critical', t('proof.bad', { n: num(v.faults) })] : ['ok', t('proof.good')];
}
function outcome(v) {
	const [level, text] = verdict(v), r = v.result;
	return [h('p', { class: 'verdict' }, badge(level, text), ' ', h('span', { class: 'small' }, when(v.ended_at), ' · ', fromName(v.from), ' · ', t(v.rows ? 'proof.withrows' : 'proof.norows'), v.monthly && ` · ${t('proof.monthly')}`)),
		v.error && v.error !== 'cancelled' && h('p', { class: 'small wrap' }, v.error), r && sums(r, v.rows), r?.first && firstBreak(r.first), r?.found?.length > 1 && h('details', { 'data-key': 'found' }, h('summary', {}, t('proof.found', { n: num(v.faults) })),
			h('ul', { class: 'events' }, r.found.slice(0, 100).map((f) => h('li', {}, badge('high', named('fault', f.fault)), ' ', h('span', { class: 'mono wrap' }, f.key), f.words && h('div', { class: 'small wrap' }, f.words)))))];
}
const counted = (r, rows) => t(rows ? 'proof.sums.rows' : 'proof.sums', { manifests: num(r.manifests), objects: num(r.objects), bytes: bytes(r.bytes), rows: num(r.rows) });
const sums = (r, rows) => h('p', { class: 'small' }, counted(r, rows), r.elsewhere > 0 && ` ${t('proof.elsewhere', { n: num(r.elsewhere) })}`);
// What is wrong first, and which hours cannot be relied on until it is cleared up.
function firstBreak(f) {
	const span = !f.since && !f.until ? t('proof.doubt.all') : !f.since ? t('proof.doubt.before', { until: when(f.until) }) : !f.until ? t('proof.doubt.after', { since: when(f.since) })
		: t('proof.doubt', { since: when(f.since), until: when(f.until) });
	return h('div', { class: 'trouble' }, h('p', {}, icon('critical'), h('span', {}, t('proof.first', { seq: num(f.seq) }), ' ', h('strong', {}, named('fault', f.fault)))),
		h('div', {}, span), h('div', { class: 'mono wrap' }, f.key), f.words && h('div', { class: 'small wrap' }, f.words), h('div', {}, t('proof.first.next')));
}
const history = (items) => h('div', { class: 'table-place', tabindex: 0, role: 'region', 'aria-label': t('proof.earlier', { n: num(items.length) }) }, h('table', {}, h('thead', {}, h('tr', {},
	['proof.col.at', 'proof.col.from', 'proof.col.what', 'proof.col.result'].map((key) => h('th', { scope: 'col' }, t(key))))), h('tbody', {}, items.map((v) => h('tr', {},
	h('th', { scope: 'row' }, when(v.started_at)), h('td', {}, fromName(v.from)), h('td', {}, t(v.rows ? 'proof.withrows' : 'proof.norows')),
	h('td', {}, v.ended_at ? badge(...verdict(v)) : badge('low', t('job.state.running'))))))));

function ask(ctx, work, places) {
	const names = places.filter((p) => p.enabled).map((p) => p.name), key = `ask ${names}`;
	if (ctx.kept.has(key)) return ctx.kept.get(key);
	const from = h('select', { 'data-key': 'verify-from' }, h('option', { value: 'local' }, t('proof.local')), names.map((name) => h('option', { value: `s3:${name}` }, name)));
	const rows = h('input', { type: 'checkbox', 'data-key': 'verify-rows' });
	const row = h('div', { class: 'buttons ask' }, h('label', { class: 'check' }, t('proof.col.from'), from), h('label', { class: 'check' }, rows, t('proof.rows')),
		h('button', { type: 'button', class: 'primary', 'data-key': 'verify', onclick: (ev) => job(ctx, work, ev.currentTarget, 'POST', '/api/v1/archive/verify', { from: from.value, rows: rows.checked }, ended) }, t('proof.do')));
	ctx.kept.set(key, row);
	return row;
}
const ended = (j) => h('p', { class: j.result?.faults > 0 ? 'warn' : 'note', role: 'status' }, icon(j.result?.faults > 0 ? 'critical' : 'ok'), j.result?.faults > 0 ? t('proof.bad', { n: num(j.result.faults) }) : t('proof.good'));

const copyButton = (text, key) => h('button', { type: 'button', 'data-key': key, onclick: () => copy(text) }, icon('copy'), ' ', t('do.copy'));
const headFacts = (head) => [h('p', { class: 'small' }, t('proof.head.why')),
	h('dl', { class: 'pairs' }, h('dt', {}, t('proof.seq')), h('dd', { class: 'mono' }, head.seq), h('dt', {}, 'SHA-256'), h('dd', { class: 'mono hash' }, head.sha256), h('dt', {}, t('proof.until')), h('dd', {}, when(head.until, true))),
	h('div', { class: 'buttons' }, copyButton(`${head.seq}:${head.sha256}`, 'copy-head'))];
function keyFacts(key) {
	return [h('dl', { class: 'pairs' }, h('dt', {}, t('proof.fingerprint')), h('dd', { class: 'mono' }, key.id.replace(/(.{4})(?=.)/g, '$1 ')), key.made_at && [h('dt', {}, t('proof.key.since')), h('dd', {}, when(key.made_at))]),
		h('div', { class: 'buttons' }, h('a', { class: 'button', href: '/api/v1/archive/key', download: 'archive-key.pem' }, icon('down'), ' ', t('proof.key.get')), copyButton(key.id, 'copy-key'),
			h('a', { class: 'button', href: withParams('/api/v1/archive/procedure', { lang }), target: '_blank', rel: 'noopener' }, t('proof.procedure')))];
}
