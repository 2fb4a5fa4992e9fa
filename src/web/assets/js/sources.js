// Log sources: who sends, who waits to be accepted, what was lost at each listener, a test line through all of them,
// and what to type into a FortiGate.
import { h, fill, t, named, hasWord, icon, badge, block, empty, num, bytes, when, duration, spell, trouble, question, copy, announce } from './ui.js';
import { call, get, session } from './data.js';
import { table } from './pages/system.js';

const may = () => ['operator', 'admin'].includes(session?.role);
const ORDER = { new: 0, accepted: 1, refused: 2 };
export const label = (s) => s.name || s.serial || s.address;
// [severity, word] of a source: what a person should know first.
export function stateOf(s) {
	if (s.state === 'refused') return ['unknown', 'source.state.refused'];
	if (s.state !== 'accepted') return ['medium', 'source.state.new'];
	return s.silent ? ['high', 'source.state.silent'] : ['ok', 'source.state.accepted'];
}

// Blocks of the system page; all of them from one answer.
export function sourceBlocks() {
	let asked = null, shown = false;
	const sources = () => (asked ||= get('/api/v1/sources').finally(() => setTimeout(() => { asked = null; }, 200)));
	const list = block(t('sources.title'), async () => {
		const answer = await sources();
		if (!shown && location.hash === '#sources') requestAnimationFrame(() => list.scrollIntoView());
		shown = true;
		return sourceList(answer, () => { asked = null; blocks.forEach((b) => b.refresh()); });
	}, { live: false });
	list.id = 'sources';
	const inlets = block(t('sources.listeners'), async () => listeners(await sources()), { live: true, class: 'half' });
	const setup = block(t('sources.setup'), async () => commands(await sources()), { class: 'half' });
	const blocks = [list, inlets, setup];
	return { blocks, fast: [list, inlets] };
}

function sourceList({ items, unknown }, again) {
	const sorted = [...items].sort((a, b) => (ORDER[a.state] ?? 0) - (ORDER[b.state] ?? 0) || label(a).localeCompare(label(b)));
	return [
		unknown?.senders > 0 && h('p', { class: 'note' }, icon('info'), t('sources.unknown', { n: num(unknown.senders), lines: num(unknown.kept_lines ?? 0),
			kept: bytes(unknown.kept_bytes ?? 0), limit: bytes(unknown.limit_bytes ?? 0) }),
		unknown.dropped_lines > 0 && h('strong', {}, ` ${t('sources.dropped', { n: num(unknown.dropped_lines) })}`)),
		items.length ? h('ul', { class: 'sources' }, sorted.map((s) => source(s, again, items))) : empty(t('sources.none'), t('sources.none.next'))];
}

function source(s, again, all) {
	const [level, word] = stateOf(s), facts = [
		[t('source.kind'), s.model || named('sourcekind', s.kind)],
		[t('source.serial'), h('span', { class: 'mono' }, s.serial || '—')], [t('source.address'), h('span', { class: 'mono' }, s.address || '—')],
		[t('source.how'), [s.transport?.toUpperCase(), s.format && named('format', s.format)].filter(Boolean).join(' · ')],
		[t('source.rate'), t('chart.perminute', { n: num(s.lines_per_minute ?? 0) })],
		[t('source.lines'), num(s.lines ?? 0)], [t('source.lost'), s.lost ? badge('high', num(s.lost)) : '0'],
		[t('source.last'), s.last_seen ? when(s.last_seen, true) : '—'], [t('source.clock'), skew(s.skew_ms)],
		s.zone && [t('source.zone'), s.zone], [t('source.first'), s.first_seen ? when(s.first_seen) : '—']].filter(Boolean);
	return h('li', { class: 'source', 'data-source': s.id }, h('div', { class: 'source-head' }, badge(level, t(word)), h('strong', { class: 'wrap' }, label(s)),
		h('div', { class: 'buttons' },
			h('a', { class: 'button', href: `/logs?q=${encodeURIComponent(`toms.log.source:${s.id}`)}` }, icon('logs'), ' ', t('source.logs')),
			may() && s.state !== 'accepted' && h('button', { type: 'button', class: s.state === 'new' ? 'primary' : '', onclick: () => decide(s, 'accepted', again, all) }, t('source.accept')),
			may() && s.state !== 'refused' && h('button', { type: 'button', onclick: () => decide(s, 'refused', again) }, t('source.refuse')),
			may() && s.state === 'accepted' && h('button', { type: 'button', onclick: () => rename(s, again) }, t('source.rename')))),
	s.silent && h('p', { class: 'warn' }, icon('high'), t('source.silent', { at: s.silent_since ? when(s.silent_since) : s.last_seen ? when(s.last_seen) : '—',
		habit: s.habit_s ? spell(s.habit_s) : t('level.unknown') }), ' ', t('source.silent.next')),
	warnings(s), h('dl', { class: 'pairs' }, facts.map(([name, v]) => h('div', {}, h('dt', {}, name), h('dd', {}, v || '—')))));
}
const REMARKS = ['no_zone', 'not_utf8']; // nothing is lost by them
const SAID = ['clock_skew']; // the clock stands among the facts

const warnings = (s) => (s.seen_as || []).filter((key) => !SAID.includes(key)).map((key) => h('p', REMARKS.includes(key) ? { class: 'note' } : { class: 'warn' }, icon(REMARKS.includes(key) ? 'info' : 'high'), hasWord(`seen.${key}`) ? t(`seen.${key}`) : key));
// Our clock less the device's: it is behind, ahead, or right.
function skew(ms) {
	if (ms === undefined || ms === null) return t('level.unknown');
	if (Math.abs(ms) < 2000) return t('skew.right');
	const text = t(ms < 0 ? 'skew.ahead' : 'skew.behind', { time: duration(Math.abs(ms) * 1e6) });
	return Math.abs(ms) < 60000 ? text : badge('medium', text);
}

const nameField = (s) => h('input', { id: 'source-name', value: s.given_name || '', maxlength: 63, autocomplete: 'off', placeholder: label(s) });

function decide(s, state, again, all = []) {
	const accept = state === 'accepted', name = nameField(s), same = accept && all.find((x) => x !== s && x.state === 'accepted' && label(x) === label(s));
	question({ title: t(accept ? 'source.accept.title' : 'source.refuse.title', { name: label(s) }), go: t(accept ? 'source.accept' : 'source.refuse'), danger: !accept,
		act: async () => {
			await call('PATCH', `/api/v1/sources/${encodeURIComponent(s.id)}`, accept && name.value.trim() ? { state, name: name.value.trim() } : { state });
			announce(t(accept ? 'source.accepted' : 'source.refused', { name: label(s) }));
			again();
		},
		body: [warnings(s), same && h('p', { class: 'warn' }, icon('high'), t('source.accept.same', { name: label(same), serial: same.serial || '—', address: same.address || '—' })), h('p', {}, t(accept ? 'source.accept.why' : 'source.refuse.why')),
			h('dl', { class: 'pairs' }, h('dt', {}, t('source.serial')), h('dd', { class: 'mono' }, s.serial || '—'),
				h('dt', {}, t('source.address')), h('dd', { class: 'mono' }, s.address || '—'),
				h('dt', {}, t('source.lines')), h('dd', {}, num(s.lines ?? 0))),
			s.sample && [h('h3', {}, t('source.sample')), h('pre', { class: 'line', tabindex: 0, 'aria-label': t('source.sample') }, s.sample)],
			accept && [h('label', { for: 'source-name' }, t('source.name')), name, h('p', { class: 'small' }, t('source.name.hint'))]] });
}
function rename(s, again) {
	const name = nameField(s);
	question({ title: t('source.rename.title', { name: label(s) }), go: t('do.save'), act: async () => {
		await call('PATCH', `/api/v1/sources/${encodeURIComponent(s.id)}`, { name: name.value.trim() });
		again();
	}, body: [h('label', { for: 'source-name' }, t('source.name')), name, h('p', { class: 'small' }, t('source.name.hint'))] });
	name.focus();
}

function listeners({ listeners: all }) {
	const result = h('div', { class: 'test-result', role: 'status' });
	const test = may() && h('button', { type: 'button', onclick: async (ev) => {
		const button = ev.currentTarget;
		button.disabled = true;
		fill(result, h('p', { class: 'small' }, t('test.working')));
		try {
			const { results } = await call('POST', '/api/v1/logs/test');
			fill(result, results.length ? h('ul', { class: 'checks' }, results.map((r) => h('li', { class: r.arrived ? 'is-ok' : 'is-high' }, icon(r.arrived ? 'ok' : 'high'),
				h('div', {}, h('strong', {}, `${r.transport.toUpperCase()} `), h('span', { class: 'mono' }, r.address), ' ',
					r.arrived ? t('test.arrived', { ms: num(r.ms ?? 0) }) : t(r.sent ? 'test.lost' : 'test.notsent'), r.detail && h('div', { class: 'small wrap' }, r.detail)))))
				: h('p', { class: 'small' }, t('sources.nolisteners')));
		} catch (problem) {
			fill(result, trouble(problem));
		}
		button.disabled = false;
	} }, t('test.do'));
	return [all?.length ? table(t('sources.listeners'), [['transport'], ['address'], ['lines', 1], ['volume', 1], ['lost', 1], ['connections', 1]], all.map((l) => [
		l.transport.toUpperCase(), h('span', { class: 'mono' }, l.address), num(l.lines ?? 0), bytes(l.bytes ?? 0), l.lost ? badge('high', num(l.lost)) : '0',
		l.transport === 'udp' ? '—' : num(l.connections ?? 0)])) : empty(t('sources.nolisteners'), t('sources.nolisteners.next')),
	all?.length > 0 && h('div', { class: 'buttons' }, test), result];
}

// The lines for a FortiGate's console, with the address this page was opened by.
function commands({ listeners: all }) {
	const ports = Object.fromEntries((all || []).map((l) => [l.transport, /:(\d+)$/.exec(l.address)?.[1]])), ways = ['tls', 'tcp', 'udp'].filter((w) => ports[w]);
	if (!ways.length) return empty(t('sources.nolisteners'));
	const host = location.hostname.replace(/^\[|\]$/g, ''), place = h('div', {});
	const local = all.every((l) => /^(127\.|\[?::1\]?:|localhost)/.test(l.address));
	const text = (way) => ['config log syslogd setting', '    set status enable', `    set server "${host}"`, way === 'udp' ? '    set mode udp' : '    set mode reliable',
		`    set port ${ports[way]}`, '    set format default', ...(way === 'tls' ? ['    set enc-algorithm high', '    set ssl-min-proto-version TLSv1-2'] : []), 'end',
		'config log syslogd filter', '    set severity information', '    set forward-traffic enable', '    set local-traffic enable', '    set anomaly enable', 'end'].join('\n');
	const draw = (way) => {
		fill(place, h('pre', { class: 'line', tabindex: 0, 'aria-label': t('sources.setup') }, text(way)),
			h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: () => copy(text(way)) }, icon('copy'), ' ', t('do.copy'))), h('p', { class: 'small' }, t(`setup.fgt.${way}`)));
	};
	draw(ways[0]);
	return [h('ol', { class: 'steps' }, ['where', 'paste', 'accept'].map((step) => h('li', {}, t(`setup.fgt.${step}`)))),
		local && h('p', { class: 'warn' }, icon('high'), t('setup.fgt.local')),
		h('label', { class: 'choices' }, t('setup.fgt.how'), ' ', h('select', { onchange: (ev) => draw(ev.target.value) }, ways.map((w) => h('option', { value: w }, t(`setup.way.${w}`))))),
		place, h('p', { class: 'small' }, t('setup.fgt.others'))];
}
