// The appliance's own backup: the recovery phrase (shown once), backups, and the rehearsal of a restore.
import { h, fill, t, icon, badge, empty, num, bytes, when, spell, question, field, blame, trouble } from './ui.js';
import { call, get, mayWork, mayRule } from './data.js';
import { job, resume, follow } from './jobs.js';

const OLD_DAYS = 2, REHEARSE_DAYS = 190;
const daysSince = (at) => (Date.now() - Date.parse(at)) / 86400000;

export async function rescue(ctx, work) {
	const [r, places] = await Promise.all([get('/api/v1/rescue'), ctx.places().catch(() => ({ items: [] }))]);
	resume(ctx, work, 'backup', backedUp);
	const practised = r.rehearsal;
	return [h('ul', { class: 'checks' }, line(...phraseState(r)), line(...backupState(r)), line(...rehearsalState(r))),
		r.failed && h('p', { class: 'warn' }, icon('high'), t('rescue.failed', { at: when(r.failed.at) }), ' ', h('span', { class: 'wrap' }, r.failed.words)),
		r.last && lastFacts(r), practised && !practised.good && practised.words && h('p', { class: 'warn' }, icon('high'), practised.words),
		h('div', { class: 'buttons' },
			mayRule() && h('button', { type: 'button', class: r.phrase ? '' : 'primary', 'data-key': 'phrase', onclick: () => makePhrase(ctx, r) }, t(r.phrase ? 'rescue.phrase.again' : 'rescue.phrase.do')),
			mayWork() && r.phrase && h('button', { type: 'button', class: r.last ? '' : 'primary', 'data-key': 'backup', onclick: (ev) => job(ctx, work, ev.currentTarget, 'POST', '/api/v1/rescue/backup', {}, backedUp) }, t('rescue.backup.do')),
			mayRule() && r.last && h('button', { type: 'button', 'data-key': 'rehearse', onclick: () => rehearse(ctx, work, places.items) }, t('rescue.rehearse.do'))),
		r.backups.length > 1 && h('details', { class: 'earlier', 'data-key': 'backups' }, h('summary', {}, t('rescue.list', { n: num(r.backups.length) })), list(r.backups))];
}
const line = (level, text, note) => h('li', { class: `is-${level}` }, icon(level), h('div', {}, h('strong', {}, text), note && h('div', { class: 'small' }, note)));
const phraseState = (r) => r.phrase ? ['ok', t('rescue.phrase.made', { at: when(r.phrase.made_at) }), t('rescue.phrase.id', { id: r.phrase.key_id })] : ['high', t('rescue.phrase.none'), t('rescue.phrase.none.next')];
const backupState = (r) => !r.last ? [r.phrase ? 'high' : 'unknown', t('rescue.last.none'), r.next_at && t('rescue.next', { at: when(r.next_at) })]
	: [daysSince(r.last.at) > OLD_DAYS ? 'high' : 'ok', t('rescue.last', { at: when(r.last.at), bytes: bytes(r.last.bytes) }), r.next_at && t('rescue.next', { at: when(r.next_at) })];
function rehearsalState(r) {
	const p = r.rehearsal;
	if (!p) return [r.last ? 'high' : 'unknown', t('rescue.rehearsal.none'), t('rescue.rehearsal.why')];
	const days = Math.floor(daysSince(p.at)), ago = days < 1 ? t('rescue.today') : t('rescue.ago', { n: num(days) });
	if (p.good) return [daysSince(p.at) > REHEARSE_DAYS ? 'high' : 'ok', t('rescue.rehearsal.good', { at: when(p.at), time: spell(p.took_s) }), ago];
	return ['high', t('rescue.rehearsal.bad', { at: when(p.at) }), r.rehearsed_good_at ? t('rescue.rehearsal.lastgood', { at: when(r.rehearsed_good_at) }) : ago];
}
const copies = (b) => Object.entries(b.places).map(([name, state]) => [badge({ proven: 'ok', failed: 'high' }[state] || 'low', `${name} ${t(`copy.${['proven', 'failed', 'sending'].includes(state) ? state : 'waiting'}`)}`), ' ']);
const lastFacts = ({ last: b }) => h('dl', { class: 'pairs' }, h('dt', {}, t('rescue.rows')), h('dd', {}, num(b.rows), b.oldest_day && ` · ${t('rescue.from', { day: b.oldest_day })}`),
	h('dt', {}, t('rescue.where')), h('dd', {}, b.local && [badge('ok', t('rescue.here')), ' '], copies(b), !b.local && !Object.keys(b.places).length && '—'));
const list = (all) => h('div', { class: 'table-place', tabindex: 0, role: 'region', 'aria-label': t('rescue.list', { n: num(all.length) }) }, h('table', {}, h('thead', {}, h('tr', {},
	[['rescue.col.at'], ['rescue.col.bytes', 1], ['rescue.rows', 1], ['rescue.where']].map(([key, n]) => h('th', { scope: 'col', class: n ? 'n' : '' }, t(key))))),
h('tbody', {}, all.map((b) => h('tr', {}, h('th', { scope: 'row' }, when(b.at)), h('td', { class: 'n' }, bytes(b.bytes)), h('td', { class: 'n' }, num(b.rows)), h('td', {}, b.local && [badge('ok', t('rescue.here')), ' '], copies(b)))))));
const backedUp = (j) => h('p', { class: 'note', role: 'status' }, icon('ok'), t('rescue.backedup', { bytes: bytes(j.result?.bytes ?? 0), rows: num(j.result?.rows ?? 0) }));

// A new phrase: once made it is on this screen only. Closing needs the word that it was written down.
function makePhrase(ctx, r) {
	question({ title: t(r.phrase ? 'rescue.phrase.again' : 'rescue.phrase.do'), go: t('rescue.phrase.make'), danger: !!r.phrase,
		body: [h('p', {}, t('rescue.phrase.why')), h('p', {}, t('rescue.phrase.prepare')), r.phrase && h('p', { class: 'warn' }, icon('high'), t('rescue.phrase.replaces'))],
		act: async () => showPhrase(ctx, await call('POST', '/api/v1/rescue/phrase', r.phrase ? { replace: true } : {})) });
}
function showPhrase(ctx, made) {
	const words = made.phrase.trim().split(/[\s-]+/), kept = h('input', { type: 'checkbox', id: 'phrase-kept', 'aria-describedby': 'phrase-kept-error' });
	const shut = h('button', { type: 'submit', class: 'primary' }, t('do.close')), error = h('p', { class: 'field-error', id: 'phrase-kept-error', role: 'alert' });
	const refuse = () => {
		if (!dialog.open) dialog.showModal();
		fill(error, icon('high'), ' ', t('rescue.phrase.needed'));
		kept.focus();
	};
	const dialog = h('dialog', { class: 'box wide phrase-box', 'aria-labelledby': 'phrase-title', onclose: () => {
		if (!kept.checked) return refuse(); // Escape, or the browser's own way to close
		document.documentElement.classList.remove('print-dialog');
		dialog.remove();
		ctx.changed();
	} },
		h('form', { class: 'card', novalidate: true, onsubmit: (ev) => {
			ev.preventDefault();
			if (kept.checked) dialog.close(); else refuse();
		} }, h('h2', { id: 'phrase-title', tabindex: -1 }, t('rescue.phrase.title')), h('p', { class: 'warn no-print' }, icon('high'), t('rescue.phrase.once')),
		h('ol', { class: 'phrase', 'aria-label': t('rescue.phrase.title') }, words.map((w) => h('li', { class: 'mono' }, w))),
		h('dl', { class: 'pairs' }, h('dt', {}, t('rescue.phrase.appliance')), h('dd', {}, location.host), h('dt', {}, t('rescue.phrase.number')), h('dd', { class: 'mono' }, made.key_id), h('dt', {}, t('rescue.phrase.at')), h('dd', {}, when(made.made_at))),
		h('p', {}, t('rescue.phrase.keep')),
		h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: () => { document.documentElement.classList.add('print-dialog'); print(); } }, icon('print'), ' ', t('rescue.phrase.print'))),
		h('label', { class: 'check' }, kept, t('rescue.phrase.kept')), error, h('div', { class: 'buttons end' }, shut)));
	document.body.append(dialog);
	dialog.showModal();
	dialog.querySelector('h2').focus();
}

function rehearse(ctx, work, places) {
	const phrase = h('textarea', { rows: 3, class: 'mono', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none', maxlength: 255 });
	const from = h('select', {}, h('option', { value: 'local' }, t('rescue.here')), places.filter((p) => p.enabled).map((p) => h('option', { value: `s3:${p.name}` }, p.name)));
	question({ title: t('rescue.rehearse.do'), go: t('rescue.rehearse.go'), first: '#rehearse-phrase', act: async (form) => {
		if (blame(form, phrase.value.trim() ? [] : [{ field: 'phrase', text: t('form.required') }])) return false;
		const started = await call('POST', '/api/v1/rescue/rehearse', { phrase: phrase.value.trim(), from: from.value });
		phrase.value = '';
		follow(ctx, work, started, rehearsed).catch((problem) => fill(work, trouble(problem)));
	}, body: [h('p', {}, t('rescue.rehearse.why')), field('rehearse-phrase', t('rescue.rehearse.phrase'), phrase, t('rescue.rehearse.hint')), field('rehearse-from', t('rescue.rehearse.from'), from)] });
}
const rehearsed = (j) => h('p', { class: j.result?.good ? 'note' : 'warn', role: 'status' }, icon(j.result?.good ? 'ok' : 'high'),
	j.result?.good ? t('rescue.rehearsed', { time: spell(j.result.took_s), rows: num(j.result.rows ?? 0) }) : j.result?.words || t('rescue.rehearsal.bad', { at: when(Date.now()) }));
