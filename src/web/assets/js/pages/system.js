// System: is the appliance itself well? Facts first, then its parts, what each interface carried, and threads.
import { h, fill, t, named, hasWord, badge, block, empty, fact, help, num, bytes, bitrate, when, duration, percent } from '../ui.js';
import { get, on } from '../data.js';
import { sourceBlocks } from '../sources.js';

export function show(place) {
	let asked = null;
	const status = () => (asked ||= get('/api/v1/status').finally(() => setTimeout(() => { asked = null; }, 200)));
	const live = { live: true };
	const fast = [
		block(t('system.daemon'), async () => daemon(await status()), live),
		block(t('system.rooms'), async () => rooms(await status()), live),
		block(t('system.interfaces'), async () => interfaces(await status()), live),
	];
	const minutes = block(t('system.capture'), captureMinutes, { ...live, class: 'half' });
	const logs = sourceBlocks();
	const slow = [...logs.blocks, minutes, block(t('system.threads'), async () => threads(await status()), { ...live, class: 'half' })];
	fill(place, h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, t('nav.system'))), help('system'),
		h('div', { class: 'grid' }, fast, slow));
	const all = () => [...fast, ...slow.filter((b) => b !== logs.blocks[2])].forEach((b) => b.refresh());
	all();
	logs.blocks[2].refresh(); // what to type does not change while one types it
	let last = Date.now(), lastAll = last;
	const off = on(['rate', 'status', 'sources', 'poll', 'reset'], (data, topic) => {
		if (topic === 'sources') return logs.fast.forEach((b) => b.refresh());
		if (topic === 'reset' || Date.now() - lastAll > 30000) { last = lastAll = Date.now(); return all(); }
		if (Date.now() - last < 5000) return;
		last = Date.now();
		fast.forEach((b) => b.refresh());
	});
	addEventListener('signed-in', all);
	return () => { off(); removeEventListener('signed-in', all); };
}

const seconds = (s) => duration(s * 1e9);
function daemon(s) {
	const store = s.rooms?.store || {}, until = s.rooms?.panel?.certificate_until;
	const guards = Object.entries(s.sandbox || {}).filter(([, is]) => is).map(([name]) => named('guard', name));
	const days = until && Math.floor((Date.parse(until) - Date.now()) / 86400000);
	return h('dl', { class: 'facts' },
		fact(t('col.state'), badge(s.healthy ? 'ok' : 'high', t(`check.state.${s.healthy ? 'ok' : 'problem'}`))),
		fact(t('system.version'), s.version), fact(t('system.uptime'), seconds(s.uptime_s)), fact(t('system.started'), when(s.started)),
		fact(t('system.memory'), bytes(s.memory_bytes)), fact(t('system.cpu'), seconds(s.cpu_seconds)),
		fact(t('system.database'), bytes(store.database_bytes), store.days && t('system.days', { n: num(store.days) })),
		fact(t('system.disk'), bytes(store.disk_free_bytes)),
		fact(t('system.certificate'), days === undefined ? null : t('system.days.left', { n: num(days) })),
		h('div', { class: 'wide' }, h('dt', {}, t('system.guards')),
			h('dd', { class: 'words' }, guards.length ? guards.join(t('list.comma')) : t('level.unknown'))));
}

// What a room has to say in one line: its own most telling numbers.
const sums = {
	store: (r) => t('says.store', { rows: num(r.rows ?? 0), ms: num(r.last_commit_ms ?? 0),
		backlog: num(r.backlog_rows ?? 0) }),
	panel: (r) => t('says.panel', { sessions: num(r.sessions ?? 0), connections: num(r.connections ?? 0) }),
	flow: (r) => t('says.flow', { open: num(r.counters?.flow_open ?? 0),
		memory: bytes(r.counters?.flow_memory_bytes ?? 0), ndpi: r.ndpi || '—' }),
	capture: (r) => t('says.capture', { n: num((r.interfaces || []).filter((i) => i.state === 'up').length),
		packets: num(r.counters?.capture_packets_total ?? 0) }),
	syslog: (r) => t('says.syslog', { n: num(r.sources?.accepted ?? 0), fresh: num(r.sources?.new ?? 0), lines: num(r.counters?.syslog_lines_total ?? 0) }),
	control: (r) => t('says.control', { n: num(r.counters?.control_requests_total ?? 0) }),
};
function rooms(s) {
	const level = (r) => r.healthy === false ? 'high' : r.healthy ? 'ok' : 'unknown';
	const state = { high: 'problem', ok: 'ok', unknown: 'unknown' };
	return h('div', { class: 'rooms' }, Object.entries(s.rooms || {}).map(([name, r]) => {
		const trouble = r.last_error?.text || r.last_error, says = sums[name]?.(r) || t('system.running');
		return h('details', { class: 'room' },
			h('summary', {}, badge(level(r), t(`check.state.${state[level(r)]}`)), h('strong', {}, named('room', name)),
				h('span', { class: 'small' }, r.healthy === false ? trouble || r.state : says)),
			trouble && h('p', { class: 'small' }, t('system.lasterror', { text: trouble })),
			numbers(name, r));
	}));
}

// Everything else a room says: name in words, value with its unit.
const OWN = ['state', 'healthy', 'since', 'last_error', 'interfaces', 'listeners', 'per_second'];
function numbers(name, room) {
	const rows = [];
	const walk = (node, path) => {
		if (node !== null && typeof node === 'object')
			for (const [key, v] of Object.entries(node)) walk(v, [...path, key]);
		else rows.push([path, node]);
	};
	const twice = (key) => `${name}_${key}_total` in (room.counters || {}); // said again beside its counter
	walk(Object.fromEntries(Object.entries(room).filter(([key]) => !OWN.includes(key) && !twice(key))), []);
	if (!rows.length) return h('p', { class: 'small' }, t('system.nonumbers'));
	const rate = (key) => {
		const now = room.per_second?.[key.replace(/_total$/, '')];
		return now > 0 && h('span', { class: 'small' }, ` ${t('system.persecond', { n: /bytes/.test(key) ? bytes(now) : num(now) })}`);
	};
	return h('dl', { class: 'numbers' }, rows.map(([path, v]) => {
		const key = path[path.length - 1], shard = path[0] === 'shards' ? `${path[1]} ` : '';
		return h('div', {}, h('dt', {}, shard, hasWord(`num.${key}`) ? t(`num.${key}`) : key.replaceAll('_', ' ')),
			h('dd', { title: key }, shown(key, v), rate(key)));
	}));
}
function shown(name, v) {
	if (v === null) return '—';
	if (typeof v === 'boolean') return t(v ? 'yes' : 'no');
	if (/_day$/.test(name)) return String(v).replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
	if (typeof v === 'number') return /bytes/.test(name) ? bytes(v) : /_ms$/.test(name) ? `${num(v)} ms` : num(v);
	return /^\d{4}-\d\d-\d\dT/.test(v) ? `${when(v)} JST` : String(v);
}

export const table = (label, heads, rows) => h('div', { class: 'table-place', tabindex: 0, role: 'region', 'aria-label': label },
	h('table', { 'aria-label': label },
	h('thead', {}, h('tr', {}, heads.map(([name, n]) => h('th', { scope: 'col', class: n ? 'n' : '' }, t(`col.${name}`))))),
	h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map((cell, i) => h(i ? 'td' : 'th',
		{ scope: i ? undefined : 'row', class: heads[i][1] ? 'n' : '' }, cell)))))));
const drops = (n) => n ? badge('high', num(n)) : '0';

function interfaces(s) {
	const all = s.rooms?.capture?.interfaces || [];
	if (!all.length) return empty(t('system.nointerface'));
	return table(t('system.interfaces'), [['interface'], ['state'], ['rate', 1], ['pps', 1], ['packets', 1],
		['drops', 1], ['bad', 1], ['last']], all.map((i) => {
		const frames = i.frames || {}, bad = Object.entries(frames).filter(([k]) => k.startsWith('bad_')).reduce((n, [, v]) => n + v, 0);
		return [h('span', { class: 'mono' }, i.name), badge(i.state === 'up' ? 'ok' : 'high', named('link', i.state)),
			bitrate(i.bits_per_s || 0), num(i.packets_per_s || 0),
			num(i.packets || 0), drops((i.kernel_drops || 0) + (i.interface_drops || 0) + (i.own_drops || 0)),
			num(bad), i.last_packet ? when(i.last_packet, true) : '—'];
	}));
}

async function captureMinutes() {
	const { items } = await get('/api/v1/capture', { since: '-1h', limit: 60, total: 'false' });
	if (!items.length) return empty(t('system.nocapture'));
	return table(t('system.capture'), [['minute'], ['interface'], ['packets', 1], ['volume', 1], ['drops', 1]], items.map((r) => {
		const c = r.toms?.capture || {}, lost = (c.kernel_drops || 0) + (c.interface_drops || 0) + (c.own_drops || 0);
		return [when(r['@timestamp']), h('span', { class: 'mono' }, r.observer?.ingress?.interface?.name || '—'),
			num(c.packets || 0), bytes(c.bytes || 0), drops(lost)];
	}));
}

function threads(s) {
	return table(t('system.threads'), [['thread'], ['state'], ['beat', 1], ['cpu', 1]], (s.threads || []).map((x) => [
		h('span', { class: 'mono' }, x.name), t(x.waiting ? 'system.waiting' : 'system.working'),
		x.waiting ? '—' : `${num(x.beat_age_ms)} ms`, `${((x.cpu_ms || 0) / 1000).toFixed(1)} s`]));
}
