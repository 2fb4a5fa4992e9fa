// Charts as SVG in the page: stacked areas and horizontal bars. Colours are CSS classes, so dark mode,
// forced colours and print need no redraw; text is real text, drawn for the real width; every chart has a
// sentence and a table view. Also the traffic chart itself, which two pages show.
import { h, fill, t, civil, when, announce, empty, icon, named, hasWord, bitrate, num, spell, percent } from './ui.js';
import { get, mayLook } from './data.js';

const RIGHT = 12;
let text = 1, TOP = 10, BOTTOM = 26; // of the person's text size, 1 being 15 px; set before each drawing

// Round steps for an axis from 0 to at least max.
function ticks(max, count, least = 0) {
	if (!(max > 0)) return [0];
	const raw = Math.max(least, max / count), power = 10 ** Math.floor(Math.log10(raw));
	const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= raw) * power;
	return Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, i) => i * step);
}
// Times at round minutes, hours or days of Japan, with room for their text.
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 43200].map((m) => m * 60000);
function timeTicks(from, to, width) {
	const step = STEPS.find((s) => (to - from) / s <= width / 76 / text) || STEPS[STEPS.length - 1];
	const zone = 9 * 3600000, out = [];
	for (let at = Math.ceil((from + zone) / step) * step - zone; at <= to; at += step) {
		const c = civil(at);
		out.push([at, c.hm === '00:00' ? c.md : c.hm]);
	}
	return out;
}

// A figure with .show(data): data is { series: [{ key, label, colour, values }], times, from, to (ms),
// unit(v, short), least: smallest step of the axis, sentence, gaps: [{ from, to, text }], onRange(from, to), height }.
export function areaChart() {
	const place = h('div', { class: 'chart-place' }), legend = h('ul', { class: 'legend' });
	const tip = h('div', { class: 'chart-tip', hidden: true }), caption = h('figcaption', {});
	let data = null, asTable = false, drawn = 0;
	const toggle = h('button', { type: 'button', class: 'quiet small', 'aria-pressed': 'false', onclick: () => {
		asTable = !asTable;
		toggle.setAttribute('aria-pressed', String(asTable));
		draw();
	} }, t('chart.table'));
	const figure = h('figure', { class: 'chart' }, place, tip, h('div', { class: 'chart-foot' }, legend, toggle), caption);
	const draw = () => {
		drawn = place.clientWidth;
		if (!data || !drawn) return;
		fill(place, asTable ? chartTable(data) : paint(data, drawn, tip));
	};
	figure.show = (next) => {
		data = next;
		fill(caption, data.sentence, data.gaps.length > 0 && h('span', { class: 'coverage' }, icon('info'), gapList(data.gaps.map((g) => g.text))));
		fill(legend, data.series.map((s) => h('li', {}, swatch(s), s.label)));
		draw();
		return figure;
	};
	new ResizeObserver(() => place.clientWidth !== drawn && draw()).observe(place);
	return figure;
}
const swatch = (s) => h('span', { class: `swatch ${s.colour}`, 'aria-hidden': 'true' });

function paint(data, width, tip) {
	text = parseFloat(getComputedStyle(document.documentElement).fontSize) / 15;
	TOP = 2 + 8 * text;
	BOTTOM = 14 + 12 * text;
	const { series, times, from, to, unit } = data, height = data.height || 230;
	const totals = times.map((_, i) => series.reduce((sum, s) => sum + s.values[i], 0));
	const scale = ticks(Math.max(0, ...totals), height > 160 ? 4 : 2, data.least), max = scale[scale.length - 1] || 1;
	const left = 14 + 6.6 * text * Math.max(...scale.map((v) => unit(v, true).length));
	const x = (ms) => left + (ms - from) / (to - from || 1) * (width - left - RIGHT);
	const y = (v) => TOP + (1 - v / max) * (height - TOP - BOTTOM);
	const svg = h('svg:svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': data.sentence });
	for (const v of scale) svg.append(
		h('svg:line', { class: v ? 'rule' : 'rule zero', x1: left, x2: width - RIGHT, y1: y(v), y2: y(v) }),
		h('svg:text', { class: 'tick', x: left - 8, y: y(v) + 4, 'text-anchor': 'end' }, v ? unit(v, true) : '0'));
	for (const [at, label] of timeTicks(from, to, width - left - RIGHT)) svg.append(
		h('svg:line', { class: 'rule zero', x1: x(at), x2: x(at), y1: height - BOTTOM, y2: height - BOTTOM + 5 }),
		x(at) + 18 * text < width && x(at) > left + 4
			? h('svg:text', { class: 'tick', x: x(at), y: height - 6, 'text-anchor': 'middle' }, label) : '');
	for (const g of data.gaps) svg.append(h('svg:rect', { class: 'gap', x: x(Math.max(from, g.from)), y: TOP,
		width: Math.max(2, x(Math.min(to, g.to)) - x(Math.max(from, g.from))), height: height - TOP - BOTTOM }, h('svg:title', {}, g.text)));
	const base = times.map(() => 0);
	for (const s of series) {
		const lower = base.map((v, i) => `L${x(times[i]).toFixed(1)} ${y(v).toFixed(1)}`).reverse().join('');
		const upper = base.map((v, i) => `${x(times[i]).toFixed(1)} ${y(base[i] = v + s.values[i]).toFixed(1)}`).join('L');
		if (upper) svg.append(h('svg:path', { class: `area ${s.colour}`, d: `M${upper}${lower}Z` }));
	}
	if (times.length) pointer(svg, { data, totals, x, left, width, height, tip });
	return svg;
}

// A line with the values under the pointer, and a drag that sets the time range.
function pointer(svg, c) {
	const { data, left, width, height, tip } = c, { times, unit } = data;
	const line = h('svg:line', { class: 'cross', y1: TOP, y2: height - BOTTOM, visibility: 'hidden' });
	const band = h('svg:rect', { class: 'band', y: TOP, height: height - TOP - BOTTOM, visibility: 'hidden' });
	svg.append(band, line);
	const at = (ev) => Math.min(width - RIGHT, Math.max(left, ev.clientX - svg.getBoundingClientRect().left));
	const ms = (px) => data.from + (px - left) / (width - left - RIGHT) * (data.to - data.from);
	let start = null;
	const show = (px) => {
		const want = ms(px), i = times.reduce((best, v, k) => Math.abs(v - want) < Math.abs(times[best] - want) ? k : best, 0);
		line.setAttribute('visibility', 'visible');
		for (const end of ['x1', 'x2']) line.setAttribute(end, c.x(times[i]));
		fill(tip, h('strong', {}, `${when(times[i])} JST`), h('table', {}, h('tbody', {}, [...data.series].reverse().map((s) =>
			h('tr', {}, h('th', {}, swatch(s), s.label), h('td', { class: 'n' }, unit(s.values[i])))),
		data.series.length > 1 && h('tr', {}, h('th', {}, t('chart.total')), h('td', { class: 'n' }, unit(c.totals[i]))))));
		tip.hidden = false;
		tip.style.left = `${px > width / 2 ? Math.max(0, px - tip.offsetWidth - 16) : px + 16}px`;
	};
	svg.addEventListener('pointermove', (ev) => {
		const px = at(ev);
		show(px);
		if (start === null) return;
		band.setAttribute('visibility', 'visible');
		band.setAttribute('x', Math.min(start, px));
		band.setAttribute('width', Math.abs(px - start));
	});
	svg.addEventListener('pointerleave', () => { tip.hidden = true; line.setAttribute('visibility', 'hidden'); });
	if (!data.onRange) return;
	svg.classList.add('draggable');
	svg.addEventListener('pointerdown', (ev) => {
		if (ev.button) return;
		start = at(ev);
		svg.setPointerCapture(ev.pointerId);
		ev.preventDefault();
	});
	svg.addEventListener('pointercancel', () => { start = null; band.setAttribute('visibility', 'hidden'); });
	svg.addEventListener('pointerup', (ev) => {
		if (start === null) return;
		const [a, b] = [start, at(ev)].sort((p, q) => p - q);
		start = null;
		band.setAttribute('visibility', 'hidden');
		if (b - a < 6) return;
		const first = Math.floor(ms(a) / 60000), last = Math.max(first + 1, Math.ceil(ms(b) / 60000));
		data.onRange(first * 60000, last * 60000);
		announce(t('chart.ranged'));
	});
}

function chartTable({ series, times, unit, sentence }) {
	return h('div', { class: 'table-place', tabindex: 0, role: 'region', 'aria-label': sentence }, h('table', { 'aria-label': sentence },
		h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('col.time')), series.map((s) => h('th', { scope: 'col', class: 'n' }, s.label)))),
		h('tbody', {}, times.map((ms, i) => h('tr', {}, h('th', { scope: 'row' }, when(ms)),
			series.map((s) => h('td', { class: 'n' }, unit(s.values[i]))))))));
}

// items: [{ label, href, value, share }]; one bar a row, longest first.
export function barList(items, unit, sentence) {
	const max = Math.max(1, ...items.map((i) => i.value));
	return h('table', { class: 'bars' }, h('caption', { class: 'reader-only' }, sentence), h('tbody', {}, items.map((item) => h('tr', {},
		h('th', { scope: 'row' }, item.href ? h('a', { href: item.href }, item.label) : item.label,
			h('svg:svg', { class: 'bar', viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
				h('svg:rect', { class: 'bar-back', width: 100, height: 4 }),
				h('svg:rect', { class: 'bar-value', height: 4, width: Math.max(0.5, item.value / max * 100) }))),
		h('td', { class: 'n' }, unit(item.value)),
		h('td', { class: 'n share' }, percent(item.share))))));
}

// Keys of the roll-ups in words.
// What one can search for: not the rest, and not what has no name.
export const isKey = (key) => Boolean(key) && key !== 'other' && key !== 'unknown';
export function keyName(by, key) {
	if (key === 'other') return t('chart.other');
	return by === 'direction' ? named('dir', key || 'unknown') : by === 'app' ? named('app', key || 'unknown') : key || t('level.unknown');
}
// A direction keeps its colour whatever its rank.
const DIRECTION_COLOURS = { internal: 's0', outbound: 's1', inbound: 's2', external: 's3', unknown: 'sx', other: 'sx' };

// What every answer of a series says: its span and the middle of each step.
function timesOf(answer) {
	const from = Date.parse(answer.since), to = Date.parse(answer.until), step = answer.step_s * 1000, start = Date.parse(answer.start);
	return { from, to, step, times: Array.from({ length: answer.buckets }, (_, i) => Math.min(to, Math.max(from, start + (i + 0.5) * step))) };
}
function sumsOf(series, times) {
	const totals = times.map((_, i) => series.reduce((sum, s) => sum + s.values[i], 0)), half = Math.floor(totals.length / 2);
	const add = (list) => list.reduce((a, b) => a + b, 0), before = add(totals.slice(0, half)), after = add(totals.slice(-half));
	return { totals, peak: Math.max(...totals), sum: add(totals),
		trend: t(`chart.trend.${after > before * 1.25 ? 'up' : after < before * 0.8 ? 'down' : 'flat'}`) };
}

// The traffic of a range by direction, application, host or peer; only: one of the series.
export async function trafficChart(figure, { by, range, only, onRange, height }) {
	const answer = await get('/api/v1/traffic/series', { since: range.since, until: range.until, by, keys: 4, buckets: 288 });
	const all = answer.series.filter((s) => !only || s.key === only);
	if (!all.length) return empty(t('over.empty'), mayLook() && h('a', { href: '/system' }, t('over.look.cables')));
	const { from, to, times, step } = timesOf(answer);
	const series = all.map((s, i) => ({ key: s.key, label: keyName(by, s.key),
		colour: by === 'direction' ? DIRECTION_COLOURS[s.key] || 'sx' : s.key === 'other' ? 'sx' : `s${i}`,
		values: s.bytes_out.map((out, k) => (out + s.bytes_in[k]) * 8 / answer.step_s) }));
	const { totals, peak, sum, trend } = sumsOf(series, times);
	const first = times[totals.findIndex((v) => v > 0)] ?? to;
	// Rows read from files may be older than the first live capture: what is there is not missing.
	const gaps = answer.gaps.map((g) => g.reason === 'before_first_record' && Date.parse(g.until) > first ? { ...g, until: first } : g)
		.map((g) => ({ from: Date.parse(g.since), to: Date.parse(g.until), text: gapText(g) })).filter((g) => g.to - g.from > step);
	return figure.show({ series, times, from, to, unit: bitrate, gaps, onRange, height,
		sentence: t('chart.sentence', { peak: bitrate(peak), at: when(times[totals.indexOf(peak)]), average: bitrate(sum / totals.length),
			trend, from: when(from), to: when(to) }) });
}
// Log lines of a range by kind or source; only: keys to show; name(key) in words; minutes: as a rate.
const KIND_COLOURS = { traffic: 's0', security: 's1', vpn: 's2', admin: 's3' };
export async function logChart(figure, { by, range, only, name, onRange, height, minutes, none }) {
	const answer = await get('/api/v1/logs/series', { since: range.since, until: range.until, by, keys: by === 'kind' ? 7 : 4, buckets: 96 });
	const all = answer.series.filter((s) => !only || only.includes(s.key));
	if (!all.length) return none;
	const { from, to, times, step } = timesOf(answer), perStep = minutes ? step / 60000 : 1;
	let rest = null;
	const series = [];
	all.forEach((s, i) => {
		const values = (s.lines || s.flows).map((n) => n / perStep), colour = by === 'kind' ? KIND_COLOURS[s.key] : s.key === 'other' ? null : `s${i}`;
		if (by !== 'kind' || colour) return series.push({ key: s.key, label: name(s.key), colour: colour || 'sx', values });
		// At most four and the rest: kinds without a colour of their own are drawn together.
		if (!rest) rest = { key: 'other', label: name(s.key), colour: 'sx', values };
		else rest = { ...rest, label: `${rest.label}${t('list.comma')}${name(s.key)}`, values: rest.values.map((v, k) => v + values[k]) };
	});
	if (rest) series.push(rest);
	const unit = (v, short) => short ? num(v) : minutes ? t('chart.perminute', { n: num(v) }) : t('flows.count', { n: num(v) });
	const { totals, peak, sum, trend } = sumsOf(series, times);
	return figure.show({ series, times, from, to, unit, onRange, height, least: minutes ? 0 : 1,
		gaps: (answer.gaps || []).map((g) => ({ from: Date.parse(g.since), to: Date.parse(g.until), text: gapText(g) })).filter((g) => g.to > g.from),
		sentence: t(minutes ? 'chart.lines' : 'chart.counts', { peak: unit(peak), at: when(times[totals.indexOf(peak)]), trend,
			sum: num(sum * perStep), step: spell(step / 1000), from: when(from), to: when(to) }) });
}
// At most three, then how many more.
export const gapList = (texts) => texts.slice(0, 3).join(t('list.comma')) + (texts.length > 3 ? ` ${t('over.more', { n: texts.length - 3 })}` : '');
const GAP_WORDS = { before_first_record: 'before', capture_off: 'off' };
export function gapText(g) {
	const brief = when(g.since) === when(g.until), from = when(g.since, brief), to = when(g.until, brief), sameDay = from.slice(0, 10) === to.slice(0, 10), word = GAP_WORDS[g.reason] || g.reason;
	return t(hasWord(`gap.${word}`) ? `gap.${word}` : 'gap.unknown', { from, to: sameDay ? to.slice(11) : to, name: g.name || '' })
		+ (g.lost ? ` ${t('gap.lost', { n: num(g.lost) })}` : '');
}
