// Charts as SVG in the page: stacked areas and horizontal bars. Colours come from CSS variables, so
// dark mode, forced colours and print need no redraw; text is real text; every chart has a sentence
// and a table view.
import { h, fill, t, civil, announce } from './ui.js';

const TOP = 12, BOTTOM = 24, LEFT = 64, RIGHT = 8;

// Round steps for an axis from 0 to at least max.
function ticks(max, count = 4) {
	if (!(max > 0)) return [0, 1];
	const raw = max / count, power = 10 ** Math.floor(Math.log10(raw));
	const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= raw) * power;
	const out = [];
	for (let v = 0; v < max + step * 0.999; v += step) out.push(v);
	return out;
}
// Times at round hours (or minutes, or days) of Japan.
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 43200].map((m) => m * 60000);
function timeTicks(from, to, width) {
	const want = Math.max(2, Math.floor(width / 90));
	const step = STEPS.find((s) => (to - from) / s <= want) || STEPS[STEPS.length - 1];
	const zone = 9 * 3600000, out = [];
	for (let at = Math.ceil((from + zone) / step) * step - zone; at <= to; at += step) out.push(at);
	return { out, step };
}

// series: [{ key, label, points: [[ms, value], ...] }] in drawing order, same times in each;
// options: from, to (ms), unit(v) text, onRange(from, to), sentence.
export function areaChart(series, options) {
	const figure = h('figure', { class: 'chart' });
	const place = h('div', { class: 'chart-place' });
	const tip = h('div', { class: 'chart-tip', hidden: true });
	const caption = h('figcaption', {}, options.sentence);
	const legend = h('ul', { class: 'legend' }, series.map((s, i) =>
		h('li', {}, h('span', { class: `swatch s${s.key === 'other' ? 'x' : i}` }), s.label)));
	const toggle = h('button', { type: 'button', class: 'quiet small', 'aria-pressed': 'false', onclick: () => {
		const asTable = toggle.getAttribute('aria-pressed') !== 'true';
		toggle.setAttribute('aria-pressed', String(asTable));
		if (asTable) fill(place, chartTable(series, options)); else draw();
	} }, t('chart.table'));
	figure.append(place, legend, caption, toggle, tip);
	const draw = () => {
		if (toggle.getAttribute('aria-pressed') === 'true' || !place.clientWidth) return;
		fill(place, paint(series, options, place.clientWidth, tip));
	};
	new ResizeObserver(draw).observe(place);
	return figure;
}

function paint(series, options, width, tip) {
	const height = options.height || 220;
	const times = series[0]?.points.map((p) => p[0]) || [];
	const { from, to } = options;
	const totals = times.map((_, i) => series.reduce((sum, s) => sum + s.points[i][1], 0));
	const scale = ticks(Math.max(0, ...totals));
	const max = scale[scale.length - 1];
	const x = (ms) => LEFT + (ms - from) / (to - from || 1) * (width - LEFT - RIGHT);
	const y = (v) => TOP + (1 - v / max) * (height - TOP - BOTTOM);
	const svg = h('svg:svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img',
		'aria-label': options.sentence });
	for (const v of scale) svg.append(
		h('svg:line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(v), y2: y(v) }),
		h('svg:text', { class: 'tick', x: LEFT - 6, y: y(v) + 4, 'text-anchor': 'end' }, options.unit(v)));
	const axis = timeTicks(from, to, width - LEFT - RIGHT);
	for (const at of axis.out) {
		const c = civil(at), day = c.hm === '00:00' || axis.step >= 86400000;
		svg.append(h('svg:line', { class: 'grid', x1: x(at), x2: x(at), y1: height - BOTTOM, y2: height - BOTTOM + 4 }),
			h('svg:text', { class: 'tick', x: x(at), y: height - 6, 'text-anchor': 'middle' }, day ? c.md : c.hm));
	}
	const base = times.map(() => 0);
	series.forEach((s, i) => {
		let upper = '', lower = '';
		s.points.forEach(([ms, v], k) => {
			lower = `L${x(ms).toFixed(1)} ${y(base[k]).toFixed(1)}${lower}`;
			base[k] += v;
			upper += `${upper ? 'L' : 'M'}${x(ms).toFixed(1)} ${y(base[k]).toFixed(1)}`;
		});
		if (upper) svg.append(h('svg:path', { class: `area s${s.key === 'other' ? 'x' : i}`, d: `${upper}${lower}Z` }));
	});
	(options.gaps || []).forEach((g) => svg.append(h('svg:rect', { class: 'gap', x: x(Math.max(from, g.from)),
		width: Math.max(2, x(Math.min(to, g.to)) - x(Math.max(from, g.from))), y: TOP, height: height - TOP - BOTTOM },
		h('svg:title', {}, g.text))));
	pointer(svg, { x, series, times, totals, options, width, height, tip });
	return svg;
}

// Crosshair with values, and a drag that sets the time range.
function pointer(svg, c) {
	const { options, width, height } = c;
	const line = h('svg:line', { class: 'cross', y1: TOP, y2: height - BOTTOM, visibility: 'hidden' });
	const band = h('svg:rect', { class: 'band', y: TOP, height: height - TOP - BOTTOM, visibility: 'hidden' });
	svg.append(band, line);
	const at = (ev) => Math.min(width - RIGHT, Math.max(LEFT, ev.clientX - svg.getBoundingClientRect().left));
	const ms = (px) => options.from + (px - LEFT) / (width - LEFT - RIGHT) * (options.to - options.from);
	let start = null;
	svg.addEventListener('pointermove', (ev) => {
		const px = at(ev);
		if (start !== null) {
			band.setAttribute('visibility', 'visible');
			band.setAttribute('x', Math.min(start, px));
			band.setAttribute('width', Math.abs(px - start));
		}
		const want = ms(px);
		let i = c.times.findIndex((v) => v >= want);
		if (i < 0) i = c.times.length - 1;
		if (i > 0 && want - c.times[i - 1] < c.times[i] - want) i--;
		if (i < 0) return;
		line.setAttribute('visibility', 'visible');
		line.setAttribute('x1', c.x(c.times[i]));
		line.setAttribute('x2', c.x(c.times[i]));
		const when = civil(c.times[i]);
		fill(c.tip, h('strong', {}, `${when.date} ${when.hm}`), c.series.map((s, k) =>
			h('div', {}, h('span', { class: `swatch s${s.key === 'other' ? 'x' : k}` }), s.label, ' ', options.unit(s.points[i][1]))));
		c.tip.hidden = false;
		c.tip.style.left = `${Math.min(px + 12, width - 180)}px`;
	});
	svg.addEventListener('pointerleave', () => { c.tip.hidden = true; line.setAttribute('visibility', 'hidden'); });
	if (!options.onRange) return;
	svg.addEventListener('pointerdown', (ev) => { start = at(ev); svg.setPointerCapture(ev.pointerId); ev.preventDefault(); });
	svg.addEventListener('pointerup', (ev) => {
		const end = at(ev), a = Math.min(start ?? end, end), b = Math.max(start ?? end, end);
		start = null;
		band.setAttribute('visibility', 'hidden');
		if (b - a < 6) return;
		options.onRange(Math.round(ms(a) / 60000) * 60000, Math.max(Math.round(ms(b) / 60000), Math.round(ms(a) / 60000) + 1) * 60000);
		announce(t('chart.ranged'));
	});
}

function chartTable(series, options) {
	const times = series[0]?.points.map((p) => p[0]) || [];
	return h('div', { class: 'table-place' }, h('table', {},
		h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('col.time')), series.map((s) => h('th', { scope: 'col', class: 'n' }, s.label)))),
		h('tbody', {}, times.map((ms, i) => h('tr', {}, h('th', { scope: 'row' }, `${civil(ms).date} ${civil(ms).hm}`),
			series.map((s) => h('td', { class: 'n' }, options.unit(s.points[i][1]))))))));
}

// items: [{ label, href, value, note }]; one bar a row, longest first.
export function barList(items, unit, sentence) {
	const max = Math.max(1, ...items.map((i) => i.value));
	return h('figure', { class: 'bars' }, h('table', { 'aria-label': sentence }, h('tbody', {}, items.map((item) => h('tr', {},
		h('th', { scope: 'row' }, item.href ? h('a', { href: item.href }, item.label) : item.label),
		h('td', { class: 'bar-cell', 'aria-hidden': 'true' }, h('svg:svg', { class: 'bar', viewBox: '0 0 100 10', preserveAspectRatio: 'none' },
			h('svg:rect', { x: 0, y: 1, height: 8, width: Math.max(0.5, item.value / max * 100) }))),
		h('td', { class: 'n' }, unit(item.value)))))),
		h('figcaption', { class: 'reader-only' }, sentence));
}
