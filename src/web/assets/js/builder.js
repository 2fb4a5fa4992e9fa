// Builds a query without its syntax: rows of include or exclude, field, comparison, value. What stands in the
// search box is taken apart into rows; searching puts them together again.
import { h, fill, t, icon, iconButton } from './ui.js';
import { quoted } from './list.js';

// type: what can be compared, and where from the choices come.
const FIELDS = [
	['text'], ['host'], ['peer'], ['source.ip'], ['destination.ip'], ['port'], ['destination.port'], ['proto'],
	['user.name'], ['action', 'choice', 'act', ['accept', 'deny', 'close', 'timeout', 'blocked', 'passthrough', 'dropped', 'detected', 'login', 'logout', 'tunnel-up', 'tunnel-down']],
	['observer.name'], ['observer.serial_number'], ['destination.domain'], ['network.application'], ['rule.name'],
	['toms.log.threat'], ['toms.log.country'], ['source.bytes', 'number'], ['destination.bytes', 'number'], ['event.duration', 'number'],
	['log.level', 'choice', 'loglevel', ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'information', 'debug']],
	['event.outcome', 'choice', 'outcome', ['success', 'failure']], ['event.code'], ['fortinet.firewall.type'], ['fortinet.firewall.subtype'],
	['process.name'], ['log.source.ip'], ['toms.log.trust', 'choice', 'trust', ['unknown', 'accepted', 'refused', 'impostor']],
	['toms.log.problem', 'choice', 'problem', ['empty', 'no_fields', 'cut', 'broken', 'too_many_fields']],
];
const OTHER = 'other', NUMBER = [':', '>=', '>', '<=', '<'], TEXT = [':'];
const SAME = { app: 'network.application', user: 'user.name', 'event.action': 'action' };

function parse(word) {
	const m = /^(-?)(?:([A-Za-z@_][\w.@]*)(!=|>=|<=|:|=|>|<))?(.*)$/s.exec(word);
	const v = m[4].startsWith('"') ? m[4].slice(1).replace(/"$/, '').replace(/\\(.)/g, '$1') : m[4];
	const bare = /^[0-9a-f.:/]*[.:][0-9a-f.:/]*$/i.test(v) ? 'host' : 'text', not = Boolean(m[1]) !== (m[3] === '!=');
	return { not, key: SAME[m[2]] || m[2] || bare, op: m[3] && !['!=', '='].includes(m[3]) ? m[3] : ':', value: v };
}
const wordOf = ({ not, key, op, value }) => `${not ? '-' : ''}${key}${op}${quoted(value.trim())}`;

// kinds: words that have check boxes of their own stay as they are.
export function build(place, words, kinds, setParams) {
	const rows = words.filter((w) => !kinds.test(w)).map(parse), list = h('ol', { class: 'build-rows' });
	const note = h('p', { class: 'field-error', role: 'alert' });
	if (!rows.length) rows.push({ not: false, key: 'host', op: ':', value: '' });
	const draw = (focus) => {
		fill(list, rows.map(row));
		if (focus !== undefined) list.children[Math.min(focus, rows.length - 1)]?.querySelector('select')?.focus();
	};
	function row(r, i) {
		const field = FIELDS.find(([key]) => key === r.key), [, type, kind, choices] = field || [], ops = !field || type === 'number' ? NUMBER : TEXT;
		const name = (what) => `${t(`build.${what}`)} ${i + 1}`, change = (key, again) => (ev) => { r[key] = ev.target.value; if (again) { r.op = ':'; draw(i); } };
		const hint = type === 'number' ? t(r.key === 'event.duration' ? 'build.hint.time' : 'build.hint.bytes') : t(['host', 'peer', 'source.ip', 'destination.ip'].includes(r.key) ? 'build.hint.host' : 'build.hint.any');
		return h('li', {},
			h('select', { 'aria-label': name('how'), onchange: (ev) => { r.not = ev.target.value === 'not'; } },
				['and', 'not'].map((v) => h('option', { value: v, selected: (v === 'not') === r.not }, t(`build.${v}`)))),
			h('select', { 'aria-label': name('field'), onchange: (ev) => { r.key = ev.target.value === OTHER ? '' : ev.target.value; r.value = ''; r.op = ':'; draw(i); } },
				FIELDS.map(([key]) => h('option', { value: key, selected: key === r.key }, t(`field.${key}`))),
				h('option', { value: OTHER, selected: !field }, t('field.other'))),
			!field && h('input', { value: r.key, 'aria-label': name('name'), placeholder: 'fortinet.firewall.srcintf', spellcheck: 'false', autocapitalize: 'none', oninput: change('key') }),
			ops.length > 1 ? h('select', { 'aria-label': name('op'), onchange: change('op') }, ops.map((op) => h('option', { value: op, selected: op === r.op }, t(`op.${op}`))))
				: h('span', { class: 'build-op' }, t('op.:')),
			choices && (!r.value || choices.includes(r.value)) ? choice(r, kind, choices, name('value'))
				: h('input', { value: r.value, 'aria-label': name('value'), placeholder: hint, spellcheck: 'false', autocomplete: 'off', oninput: change('value') }),
			iconButton('close', t('build.remove', { n: i + 1 }), () => { rows.splice(i, 1); if (!rows.length) rows.push({ not: false, key: 'host', op: ':', value: '' }); draw(i); }));
	}
	function choice(r, kind, choices, label) {
		r.value ||= choices[0];
		return h('select', { 'aria-label': label, onchange: (ev) => { r.value = ev.target.value; } },
			choices.map((v) => h('option', { value: v, selected: v === r.value }, t(`${kind}.${v}`))));
	}
	draw();
	fill(place, h('form', { class: 'build-form', onsubmit: (ev) => {
		ev.preventDefault();
		const used = rows.filter((r) => r.value.trim() && r.key.trim());
		const odd = used.find((r) => !/^[A-Za-z@_][\w.@]*$/.test(r.key));
		fill(note, odd && t('build.odd', { key: odd.key }));
		if (!odd) setParams({ q: [...words.filter((w) => kinds.test(w)), ...used.map(wordOf)].join(' '), cursor: null, row: null });
	} }, h('p', { class: 'small' }, t('build.why')), list, note, h('div', { class: 'buttons' },
		h('button', { type: 'button', onclick: () => { rows.push({ not: false, key: 'host', op: ':', value: '' }); draw(rows.length - 1); } }, icon('plus'), ' ', t('build.add')),
		h('button', { type: 'submit', class: 'primary' }, t('do.search')))));
}
