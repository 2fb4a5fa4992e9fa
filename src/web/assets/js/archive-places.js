// Places of object storage: how each is, its test step by step, and the forms of those who may change them.
import { h, fill, t, named, hasWord, icon, badge, empty, num, bytes, when, spell, question, field, blame, trouble, copy, announce } from './ui.js';
import { call, get, mayWork, mayRule } from './data.js';
import { job, resume } from './jobs.js';

const LEVEL = { ok: 'ok', waiting: 'low', failed: 'high', unproven: 'critical', off: 'unknown' };
const RESULT = { good: 'ok', bad: 'critical', warning: 'medium', skipped: 'unknown' };
const STEPS = ['name', 'certificate', 'signature', 'bucket', 'versions', 'object_lock', 'write', 'read_back', 'lock', 'delete_refused', 'shorten_refused'];
const path = (p) => `/api/v1/places/${encodeURIComponent(p.name)}`;

export async function places(ctx) {
	const { items } = await ctx.places();
	const waiting = items.some((p) => p.waiting > 0 && p.enabled), note = h('div', {});
	const add = mayRule() && h('button', { type: 'button', class: items.length ? '' : 'primary', 'data-key': 'place-add', onclick: () => form(ctx, null, items) }, icon('plus'), ' ', t('place.add'));
	const push = mayWork() && waiting && h('button', { type: 'button', 'data-key': 'place-push', onclick: async (ev) => {
		ev.currentTarget.disabled = true;
		await call('POST', '/api/v1/places/push').then(() => fill(note, h('p', { class: 'note', role: 'status' }, icon('info'), t('place.pushed'))), (problem) => fill(note, trouble(problem)));
		setTimeout(ctx.changed, 1500);
	} }, icon('again'), ' ', t('place.push'));
	return [items.length ? h('div', { class: 'places' }, items.map((p) => card(ctx, p, items))) : empty(t('place.none'), h('p', { class: 'small' }, t('place.none.next'))),
		h('div', { class: 'buttons' }, add, push, h('button', { type: 'button', 'data-key': 'place-policy', onclick: () => policy('', '') }, t('place.policy'))), note];
}

function card(ctx, p, all) {
	if (!ctx.works.has(p.name)) ctx.works.set(p.name, h('div', { class: 'work' }));
	const work = ctx.works.get(p.name), ended = (j) => testEnded(p, j);
	if (mayWork() && p.enabled) resume(ctx, work, (j) => j.kind === 'place_test' && j.asked?.place === p.name, ended, testing);
	const skewed = Math.abs(p.skew_s) > 60, skew = Math.abs(p.skew_s) < 2 ? t('skew.right') : t(p.skew_s > 0 ? 'place.skew.behind' : 'place.skew.ahead', { time: spell(Math.abs(p.skew_s)) });
	const facts = [[t('place.bucket'), h('span', { class: 'mono' }, p.bucket || '—', p.prefix && ` / ${p.prefix}`)], [t('place.endpoint'), h('span', { class: 'mono' }, p.endpoint || '—')],
		[t('place.lock'), p.lock === 'off' ? badge('high', t('lock.off')) : t('lock.for', { mode: named('lock', p.lock), n: num(p.keep_days) })],
		[t('place.proven'), `${t('place.objects', { n: num(p.proven) })} · ${bytes(p.proven_bytes)}`], [t('place.last'), p.last_proven_at ? when(p.last_proven_at) : t('place.never')],
		[t('place.waiting'), p.waiting ? `${t('place.objects', { n: num(p.waiting) })} · ${bytes(p.waiting_bytes)}${p.oldest_waiting_at ? ` · ${t('place.since', { at: when(p.oldest_waiting_at) })}` : ''}` : '0'],
		[t('place.clock'), skewed ? badge('high', skew) : p.last_test || p.proven ? skew : '—'], p.next_try_at && [t('place.nexttry'), when(p.next_try_at, true)],
		[t('place.keys'), [h('span', { class: 'mono' }, p.access_key || '—'), ' · ', t(p.has_secret ? 'place.secret.set' : 'place.secret.unset')]]].filter(Boolean);
	return h('article', { class: 'place', 'aria-label': p.name }, h('div', { class: 'source-head' }, badge(LEVEL[p.state] || 'unknown', named('placestate', p.state)), h('h3', { class: 'wrap' }, p.name),
		h('span', { class: 'small' }, t(p.from === 'file' ? 'place.from.file' : 'place.from.panel')),
		h('div', { class: 'buttons' },
			mayWork() && p.enabled && h('button', { type: 'button', 'data-key': `test-${p.name}`, onclick: (ev) => job(ctx, work, ev.currentTarget, 'POST', `${path(p)}/test`, {}, ended, testing) }, t('place.test')),
			mayRule() && p.from === 'panel' && h('button', { type: 'button', 'data-key': `edit-${p.name}`, 'aria-label': t('place.edit.of', { name: p.name }), onclick: () => form(ctx, p, all) }, t('place.edit')),
			mayRule() && p.from === 'panel' && h('button', { type: 'button', 'data-key': `forget-${p.name}`, 'aria-label': t('place.forget.of', { name: p.name }), onclick: () => forget(ctx, p) }, t('place.forget')))),
	p.words && h('p', { class: p.state === 'ok' || p.state === 'off' ? 'note' : 'warn' }, icon(p.state === 'ok' || p.state === 'off' ? 'info' : 'high'), p.words),
	p.findings > 0 && mayRule() && h('p', {}, h('button', { type: 'button', 'data-key': `note-${p.name}`, onclick: () => question({ title: t('place.finding.title'), go: t('place.finding.do'), act: () => call('POST', `${path(p)}/acknowledge`).then(ctx.changed),
		body: [h('p', {}, t('place.finding.why', { n: num(p.findings) })), h('p', { class: 'mono wrap' }, p.last_finding)] }) }, t('place.finding.do'))),
	h('dl', { class: 'pairs' }, facts.map(([name, v]) => h('div', {}, h('dt', {}, name), h('dd', {}, v)))),
	lastTest(p), work);
}
function lastTest(p) {
	const test = p.last_test;
	if (!test) return h('p', { class: 'small' }, t('place.untested'));
	const passed = test.steps.filter((s) => s.result === 'good').length;
	return h('details', { class: 'steps-of', 'data-key': `steps-${p.name}` }, h('summary', {}, t('place.lasttest', { at: when(test.at) }), ' ', badge(test.good ? 'ok' : 'critical', t(test.good ? 'place.test.good' : 'place.test.bad')),
		' ', h('span', { class: 'small' }, t('place.test.count', { n: passed, all: test.steps.length }))), steps(test.steps));
}
const stepName = (name) => hasWord(`step.${name}`) ? t(`step.${name}`) : name;
const steps = (list) => h('ul', { class: 'checks test-steps' }, list.map((s) => h('li', {}, badge(RESULT[s.result] || 'unknown', named('stepresult', s.result)),
	h('div', {}, stepName(s.name), s.words && h('div', { class: 'small wrap' }, s.words)))));

// While it runs: what is behind it, what it does now, what is to come.
function testing(j) {
	const at = STEPS.indexOf(j.phase);
	return at >= 0 && h('ol', { class: 'checks test-steps' }, STEPS.map((name, i) => h('li', { class: i > at ? 'muted' : '' }, icon(i < at ? 'right' : i === at ? 'wait' : 'none'), stepName(name))));
}
function testEnded(p, j) {
	const list = j.result?.steps || [], bad = list.some((s) => s.result === 'bad') || j.result?.good === false;
	return h('div', { role: 'status' }, h('p', { class: bad ? 'warn' : 'note' }, icon(bad ? 'critical' : 'ok'), t(bad ? 'place.test.failed' : 'place.test.passed', { name: p.name })), steps(list));
}
// What the key needs, as a policy to paste at the provider.
async function policy(bucket, prefix) {
	const place = h('div', {}, h('p', { class: 'small' }, t('state.loading')));
	const name = h('input', { value: bucket, maxlength: 63, autocomplete: 'off', spellcheck: 'false' }), before = h('input', { value: prefix, maxlength: 255, autocomplete: 'off', spellcheck: 'false' });
	let text = '';
	const load = () => get('/api/v1/places/policy', { bucket: name.value.trim(), prefix: before.value.trim() }).then((p) => {
		text = JSON.stringify(p, null, 2);
		fill(place, h('pre', { class: 'line', tabindex: 0, 'aria-label': t('place.policy') }, text));
	}, (problem) => fill(place, trouble(problem)));
	name.addEventListener('change', load);
	before.addEventListener('change', load);
	question({ title: t('place.policy'), go: t('do.copy'), wide: true, act: () => { copy(text); return false; }, body: [h('p', {}, t('place.policy.why')),
		field('policy-bucket', t('place.bucket'), name), field('policy-prefix', t('place.prefix'), before), place] });
	await load();
}

function forget(ctx, p) {
	question({ title: t('place.forget.title', { name: p.name }), go: t('place.forget'), danger: true, act: async () => {
		await call('DELETE', path(p));
		announce(t('place.forgotten', { name: p.name }));
		ctx.works.delete(p.name);
		await ctx.changed();
	}, body: [h('p', {}, t('place.forget.why')), p.waiting > 0 && h('p', { class: 'warn' }, icon('high'), t('place.forget.waiting', { n: num(p.waiting) }))] });
}

// Adding and changing. The secret is written, never read: left empty it stays as it is.
function form(ctx, p) {
	const text = (props) => h('input', { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none', ...props });
	const option = (value, label, now) => h('option', { value, selected: value === now }, label);
	const name = text({ maxlength: 40, value: p?.name || '', readonly: !!p, placeholder: 'tokyo' }), endpoint = text({ maxlength: 255, value: p?.endpoint || '', placeholder: 'https://s3.example.jp' });
	const region = text({ maxlength: 63, value: p?.region || '', placeholder: 'ap-northeast-1' }), bucket = text({ maxlength: 63, value: p?.bucket || '' }), prefix = text({ maxlength: 255, value: p?.prefix || '', placeholder: 'hospital/archive' });
	const access = text({ maxlength: 255, value: p?.access_key || '' }), secret = text({ type: 'password', maxlength: 255, autocomplete: 'new-password', placeholder: p?.has_secret ? t('place.secret.keep') : '' });
	const mode = h('select', {}, ['compliance', 'governance', 'off'].map((m) => option(m, t(`lock.choice.${m}`), p?.lock || 'compliance')));
	const keep = h('input', { type: 'number', min: 1, max: 3653, value: p && p.lock !== 'off' ? p.keep_days : 365 });
	const style = h('select', {}, ['auto', 'path', 'host'].map((s) => option(s, t(`place.style.${s}`), p?.style || 'auto')));
	const rate = h('input', { type: 'number', min: 0, step: 'any', value: p?.bandwidth ? p.bandwidth / 1e6 : 0 }), enabled = h('input', { type: 'checkbox', checked: p ? p.enabled : true });
	const sure = h('input', { type: 'checkbox', id: 'place-sure', 'aria-describedby': 'place-sure-error' }), warning = h('div', { class: 'lock-warning' }), note = h('p', { class: 'small' });
	const locks = () => mode.value === 'compliance' && (!p || p.lock !== 'compliance' || Number(keep.value) > p.keep_days || bucket.value.trim() !== p.bucket);
	const warn = () => {
		keep.disabled = mode.value === 'off';
		const until = new Date(Date.now() + Number(keep.value) * 86400000);
		fill(warning, mode.value === 'off' && h('p', { class: 'warn' }, icon('high'), t('lock.off.warn')), mode.value === 'governance' && h('p', { class: 'note' }, icon('info'), t('lock.governance.warn')),
			locks() && [h('p', { class: 'warn' }, icon('high'), t('lock.compliance.warn', { n: num(Number(keep.value)), until: Number.isFinite(until.getTime()) ? when(until.getTime()).slice(0, 10) : '—' })),
				h('label', { class: 'check' }, sure, t('lock.compliance.sure')), h('p', { class: 'field-error', id: 'place-sure-error' })]);
		note.textContent = p && (endpoint.value.trim() !== p.endpoint || bucket.value.trim() !== p.bucket || prefix.value.trim() !== p.prefix) ? t('place.anew') : '';
	};
	const must = [['name', name], ['endpoint', endpoint], ['bucket', bucket], ['access_key', access], ...p?.has_secret ? [] : [['secret_key', secret]]];
	const act = async (el) => {
		const wrong = must.filter(([, input]) => !input.value.trim()).map(([key]) => ({ field: key, text: t('form.required') }));
		if (mode.value !== 'off' && !(Number(keep.value) >= 1 && Number(keep.value) <= 3653)) wrong.push({ field: 'keep_days', text: t('lock.range') });
		if (locks() && !sure.checked) wrong.push({ field: 'sure', text: t('lock.compliance.needed') });
		if (blame(el, wrong)) return false;
		const body = { endpoint: endpoint.value.trim(), bucket: bucket.value.trim(), prefix: prefix.value.trim(), access_key: access.value.trim(), lock: mode.value, style: style.value,
			bandwidth: Math.round(Number(rate.value) * 1e6) || 0, enabled: enabled.checked };
		if (region.value.trim()) body.region = region.value.trim();
		if (mode.value !== 'off') body.keep_days = Math.round(Number(keep.value));
		if (secret.value) body.secret_key = secret.value.trim();
		if (p) await call('PATCH', path(p), body); else await call('POST', '/api/v1/places', { name: name.value.trim(), ...body });
		secret.value = '';
		announce(t('place.saved', { name: p?.name || name.value.trim() }));
		await ctx.changed();
	};
	const dialog = question({ title: p ? t('place.edit.of', { name: p.name }) : t('place.add'), go: t('do.save'), act, wide: true, first: p ? '#place-endpoint' : '#place-name', body: [
		h('p', { class: 'small' }, t('place.form.why')),
		h('div', { class: 'two' },
			h('div', {}, field('place-name', t('place.name'), name, t('place.name.hint'))), h('div', {}, field('place-endpoint', t('place.endpoint'), endpoint, t('place.endpoint.hint'))),
			h('div', {}, field('place-bucket', t('place.bucket'), bucket, t('place.bucket.hint'))), h('div', {}, field('place-region', t('place.region'), region, t('place.region.hint'))),
			h('div', {}, field('place-access_key', t('place.access'), access)), h('div', {}, field('place-secret_key', t('place.secret'), secret, t('place.secret.hint'))),
			h('div', {}, field('place-lock', t('place.lock'), mode)), h('div', {}, field('place-keep_days', t('place.keep'), keep))),
		warning, note,
		h('details', { class: 'more' }, h('summary', {}, t('place.more')), h('div', { class: 'two' }, h('div', {}, field('place-prefix', t('place.prefix'), prefix, t('place.prefix.hint'))),
			h('div', {}, field('place-style', t('place.style'), style, t('place.style.hint'))), h('div', {}, field('place-bandwidth', t('place.bandwidth'), rate, t('place.bandwidth.hint')))),
		h('label', { class: 'check' }, enabled, t('place.enabled')))] });
	for (const input of [mode, keep, bucket, endpoint, prefix]) input.addEventListener('input', warn);
	dialog.addEventListener('close', () => { secret.value = ''; });
	warn();
}
