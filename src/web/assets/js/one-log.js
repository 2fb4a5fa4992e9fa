// One log line: a sentence, its marks of doubt, every field in the line's own order, the line itself as it came,
// the conversations it belongs to and the ways to logs beside it.
import { h, fill, put, t, named, hasWord, icon, badge, bytes, num, when, duration, exact, copy, iso } from './ui.js';
import { get } from './data.js';
import { pick, idOf, value, quoted } from './list.js';
import { line, part } from './drawer.js';
import { kindText, actionOf, whatOf, marksOf, briefly } from './log-row.js';

export const title = 'log.one', path = '/api/v1/logs';
const LINE_SHOWN = 4000; // signs, until all are asked for

export function details(row) {
	const id = encodeURIComponent(idOf(row)), doubts = marksOf(row), at = Date.parse(row['@timestamp']);
	return [
		h('p', { class: 'lead' }, sentence(row)),
		doubts.length > 0 && h('ul', { class: 'doubts' }, doubts.map(([level, word]) =>
			h('li', {}, badge(level, t(word)), hasWord(`${word}.why`) && h('span', { class: 'small' }, t(`${word}.why`))))),
		h('section', {}, h('h3', {}, t('log.times')), h('dl', {},
			line('f.log.time', '@timestamp', `${when(at, true)} JST`, row['@timestamp']),
			line('f.event.created', 'event.created', received(row, at), pick(row, 'event.created')),
			line('f.log.source.ip', 'log.source.ip', from(row), pick(row, 'log.source.ip') || ''))),
		part(t('log.fields'), () => fields(id)),
		raw(row, id),
		part(t('log.flows'), () => flows(row, id, at)),
		near(row, at)];
}

function sentence(row) {
	const src = pick(row, 'source.ip'), dst = pick(row, 'destination.domain') || pick(row, 'destination.ip'), user = pick(row, 'user.name');
	const device = pick(row, 'observer.name') || pick(row, 'log.source.ip') || t('level.unknown'), out = [t('log.said', { device, kind: kindText(row) })];
	if (src && dst) out.push(t('log.between', { from: user ? `${user} (${src})` : src, to: dst }));
	else if (user || src) out.push(t('log.by', { who: [user, src].filter(Boolean).join(' ') }));
	const done = pick(row, 'event.action') || pick(row, 'event.outcome');
	return [out.join(''), ' ', done && [actionOf(row), ' '], h('span', { class: 'wrap' }, whatOf(row))];
}
const from = (row) => h('span', {}, h('span', { class: 'mono' }, pick(row, 'log.source.ip') || '—'), ' ', (pick(row, 'toms.log.transport') || '').toUpperCase());
function received(row, at) {
	const got = Date.parse(pick(row, 'event.created')), off = got - at;
	if (!got) return '—';
	return h('span', {}, `${when(got, true)} JST`, Math.abs(off) > 2000 && h('span', { class: 'small' },
		` ${t(off > 0 ? 'log.later' : 'log.earlier', { time: duration(Math.abs(off) * 1e6) })}`));
}

// The fields as the line has them; what can be searched by has the menu of a value.
async function fields(id) {
	const { fields: all } = await get(`${path}/${id}/fields`);
	if (!all.length) return h('p', { class: 'small' }, t('log.nofields'));
	return h('dl', {}, all.map((f) => {
		const text = f.value === '' ? '—' : shown(f), key = f.header ? f.ecs : f.ecs || `fortinet.firewall.${f.key}`;
		const el = key && f.value !== '' && f.value.length <= 255 ? value(key, f.value, text) : text;
		if (el.tagName) el.tabIndex = 0;
		return line(f.header && f.key === 'app' ? 'k.program' : `k.${f.key.replace(/^(FTNTFGT|FortinetFortiGate)/, '')}`, f.key, h('span', { class: 'wrap', title: f.ecs || undefined }, el), f.value);
	}));
}
// Numbers of bytes and seconds with their unit; actions in words beside what the device said.
function shown({ key, value: v }) {
	if (/^(sent|rcvd)(byte|delta)$/.test(key) && /^\d+$/.test(v)) return `${v} (${bytes(Number(v))})`;
	if (key === 'duration' && /^\d+$/.test(v)) return `${v} (${duration(Number(v) * 1e9)})`;
	if (key === 'eventtime' && /^\d{10}(\d{3}){0,3}$/.test(v)) return `${v} (${when(Number(v.slice(0, 13).padEnd(13, '0')), true)} JST)`;
	if ((key === 'action' || key === 'act') && hasWord(`act.${v}`)) return `${v} (${t(`act.${v}`)})`;
	if (key === 'level' && hasWord(`loglevel.${v}`)) return `${v} (${named('loglevel', v)})`;
	return v;
}

function raw(row, id) {
	const text = pick(row, 'event.original') || '', place = h('pre', { class: 'line', tabindex: 0, 'aria-label': t('log.raw') }, text.slice(0, LINE_SHOWN));
	const all = text.length > LINE_SHOWN && h('button', { type: 'button', onclick: (ev) => { fill(place, text); ev.target.remove(); } },
		t('log.raw.all', { n: num(text.length) }));
	const other = inJapanese(pick(row, 'toms.log.original_base64'));
	return h('section', {}, h('h3', {}, t('log.raw')), place,
		other && [h('p', { class: 'small' }, t('log.raw.sjis')), h('pre', { class: 'line', tabindex: 0, 'aria-label': t('log.raw.sjis') }, other.slice(0, LINE_SHOWN))], h('div', { class: 'buttons' }, all,
		h('button', { type: 'button', onclick: () => copy(text) }, icon('copy'), ' ', t('do.copy')),
		h('a', { class: 'button', href: `${path}/${id}/raw`, download: `log-${idOf(row)}.txt` }, icon('down'), ' ', t('log.raw.get'))),
	h('p', { class: 'small' }, t('log.raw.note')));
}

// Bytes that are no UTF-8 but read as Shift_JIS, as Japanese devices still send it.
function inJapanese(base64) {
	if (!base64) return null;
	try {
		return new TextDecoder('shift_jis', { fatal: true }).decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
	} catch {
		return null;
	}
}

async function flows(row, id, at) {
	const { items, related = [], matched_by: how } = await get(`${path}/${id}/flows`);
	const logs = related.length > 0 && [h('h4', {}, t('log.related')), h('ul', { class: 'linked' }, related.map((log) => h('li', {},
		h('a', { href: `/logs?${new URLSearchParams({ since: iso(at - 3600000), until: iso(at + 3600000), row: idOf(log) })}` }, when(log['@timestamp'], true)), ' ', briefly(log))))];
	const link = (flow) => `/traffic?${new URLSearchParams({ since: iso(at - 3600000), until: iso(at + 3600000), row: idOf(flow) })}`;
	if (!items.length) return [h('p', { class: 'small' }, t('log.noflows')), logs];
	return [h('ul', { class: 'linked' }, items.map((f) => h('li', {},
		h('a', { href: link(f) }, when(f['@timestamp'], true)), ' ',
		h('span', { class: 'mono' }, `${pick(f, 'source.ip')} → ${pick(f, 'destination.ip')}`), ' ',
		named('app', pick(f, 'network.application') || pick(f, 'network.protocol') || 'unknown'), ' ', exact(pick(f, 'network.bytes')),
		h('div', { class: 'small' }, named('matched', f.matched_by || how || ''))))), logs];
}

// Other searches that begin here.
function near(row, at) {
	const src = pick(row, 'source.ip'), dst = pick(row, 'destination.ip'), session = pick(row, 'fortinet.firewall.sessionid'),
		serial = pick(row, 'observer.serial_number'), user = pick(row, 'user.name'), threat = pick(row, 'toms.log.threat'), name = pick(row, 'observer.name');
	const link = (page, q, hours) => `${page}?${new URLSearchParams({ since: iso(at - hours * 3600000), until: iso(at + hours * 3600000 + 1000), q })}`;
	const ways = [
		session && serial && ['session', link('/logs', `fortinet.firewall.sessionid:${session} observer.serial_number:${quoted(serial)}`, 12)],
		src && dst && ['ends', link('/logs', `host:${src} peer:${dst}`, 1)],
		user && ['user', link('/logs', `user.name:${quoted(user)}`, 24)],
		threat && ['threat', link('/logs', `toms.log.threat:${quoted(threat)}`, 720)],
		name && ['device', link('/logs', `observer.name:${quoted(name)}`, 0.05)],
		src && dst && ['flows', link('/traffic', `host:${src} peer:${dst}`, 1)],
	].filter(Boolean);
	return ways.length > 0 && put(h('section', {}), h('h3', {}, t('log.near')),
		h('ul', { class: 'linked' }, ways.map(([word, href]) => h('li', {}, h('a', { href }, t(`log.near.${word}`))))));
}
