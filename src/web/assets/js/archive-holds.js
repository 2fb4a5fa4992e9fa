// Holds: what an investigation pins. And a part of the archive to take away.
import { h, t, icon, badge, empty, num, bytes, when, iso, question, field, blame, announce } from './ui.js';
import { call, get, mayWork } from './data.js';
import { job, resume, fileList } from './jobs.js';

// What <input type=datetime-local> says is Japan's time here, whatever the PC is set to.
const local = (ms) => iso(ms).slice(0, 16);
const toTime = (text) => `${text}:00+09:00`;
const time = (value) => h('input', { type: 'datetime-local', value, max: '2100-01-01T00:00' });
const ordered = (since, until) => since.value && until.value && since.value < until.value;

export async function holds(ctx) {
	const { items } = await get('/api/v1/archive/holds'), now = items.filter((x) => !x.released_at), gone = items.filter((x) => x.released_at);
	return [h('p', { class: 'small' }, t('hold.why')), now.length ? h('ul', { class: 'sources holds' }, now.map((x) => hold(ctx, x))) : empty(t('hold.none')),
		mayWork() && h('div', { class: 'buttons' }, h('button', { type: 'button', 'data-key': 'hold-add', onclick: () => add(ctx) }, icon('lock'), ' ', t('hold.add'))),
		gone.length > 0 && h('details', { class: 'earlier', 'data-key': 'holds-gone' }, h('summary', {}, t('hold.released.list', { n: num(gone.length) })), h('ul', { class: 'sources holds' }, gone.map((x) => hold(ctx, x))))];
}
function hold(ctx, x) {
	const over = !x.released_at && Date.parse(x.keep_until) < Date.now();
	return h('li', { class: 'source' }, h('div', { class: 'source-head' }, badge(x.released_at || over ? 'unknown' : 'low', t(x.released_at ? 'hold.state.released' : over ? 'hold.state.over' : 'hold.state.on')), h('strong', { class: 'wrap' }, x.name),
		mayWork() && !x.released_at && h('button', { type: 'button', 'data-key': `release-${x.id}`, 'aria-label': t('hold.release.of', { name: x.name }), onclick: () => release(ctx, x) }, t('hold.release'))),
	h('dl', { class: 'pairs' }, row('hold.range', x.since ? `${when(x.since)} – ${when(x.until)}` : t('hold.byname')), row('hold.keep', when(x.keep_until)), row('hold.reason', h('span', { class: 'wrap' }, x.reason)),
		row('hold.size', `${t('place.objects', { n: num(x.objects) })} · ${bytes(x.bytes)}`), row('hold.by', `${x.made_by} · ${when(x.made_at)}`), x.released_at && row('hold.releasedby', `${x.released_by || '—'} · ${when(x.released_at)}`)));
}
const row = (word, value) => h('div', {}, h('dt', {}, t(word)), h('dd', {}, value));

function add(ctx) {
	const name = h('input', { maxlength: 80, autocomplete: 'off' }), reason = h('textarea', { rows: 2, maxlength: 500 });
	const since = time(local(Date.now() - 86400000)), until = time(local(Date.now())), keep = h('input', { type: 'date', value: local(Date.now() + 365 * 86400000).slice(0, 10), max: '2100-01-01' });
	question({ title: t('hold.add'), go: t('hold.add.go'), first: '#hold-name', act: async (form) => {
		const wrong = [[name, 'name'], [reason, 'reason'], [keep, 'keep_until']].filter(([input]) => !input.value.trim()).map(([, key]) => ({ field: key, text: t('form.required') }));
		if (!ordered(since, until)) wrong.push({ field: 'until', text: t('hold.order') });
		if (blame(form, wrong)) return false;
		await call('POST', '/api/v1/archive/holds', { name: name.value.trim(), reason: reason.value.trim(), since: toTime(since.value), until: toTime(until.value), keep_until: `${keep.value}T23:59:59+09:00` });
		announce(t('hold.added'));
		await ctx.changed();
	}, body: [h('p', { class: 'small' }, t('hold.add.why')), field('hold-name', t('hold.name'), name, t('hold.name.hint')),
		h('div', { class: 'two' }, h('div', {}, field('hold-since', t('hold.since'), since)), h('div', {}, field('hold-until', t('hold.until'), until))), field('hold-keep_until', t('hold.keep'), keep, t('hold.keep.hint')), field('hold-reason', t('hold.reason'), reason)] });
}
function release(ctx, x) {
	const typed = h('input', { autocomplete: 'off', spellcheck: 'false' });
	question({ title: t('hold.release.of', { name: x.name }), go: t('hold.release'), danger: true, act: async (form) => {
		if (blame(form, typed.value.trim() === x.name.trim() ? [] : [{ field: 'typed', text: t('hold.release.differs') }])) return false;
		await call('DELETE', `/api/v1/archive/holds/${encodeURIComponent(x.id)}`);
		announce(t('hold.released'));
		await ctx.changed();
	}, body: [h('p', {}, t('hold.release.why')), field('release-typed', t('hold.release.type', { name: x.name }), typed)] });
}

const KINDS = ['flow', 'log', 'gap', 'capture_minute', 'audit'];
export async function take(ctx, work) {
	const a = await ctx.archive();
	resume(ctx, work, 'take', taken);
	if (!a.head) return empty(t('take.nothing'));
	const end = Date.parse(a.head.until), since = time(local(end - 86400000)), until = time(local(end)), purpose = h('input', { maxlength: 200, autocomplete: 'off', placeholder: t('export.purpose.hint') });
	const kinds = KINDS.map((kind) => [kind, h('input', { type: 'checkbox', checked: true, name: kind })]);
	const form = h('form', { class: 'kept', novalidate: true, onsubmit: (ev) => {
		ev.preventDefault();
		const wrong = ordered(since, until) ? [] : [{ field: 'until', text: t('hold.order') }];
		if ([...purpose.value.trim()].length < 3) wrong.push({ field: 'purpose', text: t('export.purpose.needed') });
		const chosen = kinds.filter(([, box]) => box.checked).map(([kind]) => kind);
		if (!chosen.length) wrong.push({ field: 'kinds', text: t('take.nokind') });
		blame(form, wrong);
		form.querySelector('#take-kinds-error').textContent = chosen.length ? '' : t('take.nokind');
		if (!wrong.length) job(ctx, work, form.querySelector('button'), 'POST', '/api/v1/archive/take', { since: toTime(since.value), until: toTime(until.value), kinds: chosen, purpose: purpose.value.trim() }, taken);
	} }, h('p', { class: 'small' }, t('take.why')), h('div', { class: 'two' }, h('div', {}, field('take-since', t('hold.since'), since)), h('div', {}, field('take-until', t('hold.until'), until))),
	h('fieldset', { class: 'kinds' }, h('legend', {}, t('take.kinds')), kinds.map(([kind, box]) => h('label', {}, box, t(`record.${kind}`)))), h('p', { class: 'field-error', id: 'take-kinds-error' }),
	field('take-purpose', t('export.purpose'), purpose, t('take.purpose.why')), h('div', { class: 'buttons' }, h('button', { type: 'submit', 'data-key': 'take' }, icon('down'), ' ', t('take.do'))));
	return form;
}
const taken = (j) => h('div', { role: 'status' }, h('p', { class: 'note' }, icon('ok'), t('take.done')), fileList(j.result?.files || []), j.kept_until && h('p', { class: 'small' }, t('jobs.keep', { at: when(j.kept_until) })));
