/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plot_svg.c - curves as an SVG picture that needs nothing else. */
#include <math.h>

#include "dump/escape.h"
#include "dump/plot.h"
#include "dump/report.h"

#define WIDTH       960
#define LEFT        110
#define RIGHT       20
#define PANEL       150 /* height of one, its title included */
#define TITLE       26
#define BOTTOM      40
#define COLUMNS_MAX (2 * (WIDTH - LEFT - RIGHT)) /* points told one by one */

/* ${text} is UTF-8 without controls. */
static void put_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '<')
			fputs("&lt;", out);
		else if (*p == '>')
			fputs("&gt;", out);
		else if (*p == '&')
			fputs("&amp;", out);
		else if (*p == '"')
			fputs("&quot;", out);
		else if (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
			fputs("?", out),
				p += 2; /* U+FFFE, U+FFFF: not in XML */
		else
			fputc(*p, out);
	}
}

static double x_of(const struct plot *p, uint64_t ts)
{
	return LEFT + (double)(ts - p->from_ns) /
			      (double)(p->to_ns - p->from_ns ?: 1) *
			      (WIDTH - LEFT - RIGHT);
}

/* Of many points on one place only least and most: the picture is the same. */
static void put_curve(const struct plot *p, const struct plot_series *s,
		      double top, FILE *out)
{
	double low, high, min = NAN, max = NAN, at = -1;
	bool pen = false, thin = s->nr > COLUMNS_MAX;

	plot_range(s, &low, &high);
#define Y(v) \
	(top + TITLE + (1 - ((v)-low) / (high - low)) * (PANEL - TITLE - 16))
	fputs("<path class=\"c\" d=\"", out);
	for (size_t i = 0; i < s->nr; i++) {
		double v = s->points[i].value, x = x_of(p, s->points[i].ts);

		if (isnan(v)) {
			pen = false;
			continue;
		}
		if (thin && pen && floor(x) == at) {
			if (v < min)
				min = v;
			if (v > max)
				max = v;
			if (i + 1 < s->nr && !isnan(s->points[i + 1].value) &&
			    floor(x_of(p, s->points[i + 1].ts)) == at)
				continue;
			fprintf(out, "L%.1f %.1fL%.1f %.1f", x, Y(min), x,
				Y(max));
		}
		fprintf(out, "%c%.1f %.1f", pen ? 'L' : 'M', x, Y(v));
		if (!pen) /* one alone is seen, too */
			fputs("h0.5", out);
		pen = true;
		at = floor(x);
		min = max = v;
	}
#undef Y
	fputs("\"/>\n", out);
}

static void put_value(const struct plot_series *s, const char *before,
		      double value, FILE *out)
{
	char text[48];

	fputs(before, out);
	put_text(out, plot_value(text, s, value, sizeof(text)));
}

static void put_label(const struct plot_series *s, double y, double value,
		      FILE *out)
{
	fprintf(out, "<text class=\"n e\" x=\"%d\" y=\"%.0f\">", LEFT - 6, y);
	put_value(s, "", value, out);
	fputs("</text>\n", out);
}

static void put_panel(const struct plot *p, const struct plot_series *s,
		      double top, FILE *out)
{
	double low, high, base = top + PANEL - 16;

	plot_range(s, &low, &high);
	fprintf(out, "<text class=\"t\" x=\"%d\" y=\"%.0f\">", LEFT, top + 16);
	put_text(out, s->name);
	fputs("<tspan class=\"n\">", out);
	put_value(s, " least ", s->min, out);
	put_value(s, ", mean ", s->mean, out);
	put_value(s, ", most ", s->max, out);
	fputs("</tspan></text>\n", out);
	fprintf(out, "<path class=\"a\" d=\"M%d %.0fV%.0fH%d\"/>\n", LEFT,
		top + TITLE, base, WIDTH - RIGHT);
	put_label(s, top + TITLE + 8, high, out);
	put_label(s, base, low, out);
	put_curve(p, s, top, out);
}

void plot_svg(const struct plot *p, const struct view *v, FILE *out)
{
	int height = (int)p->nr * PANEL + BOTTOM;
	char from[48], to[48], when[48];

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\">\n"
		"<style>text{font:12px sans-serif;fill:#222}.t{font-weight:bold}"
		".n{font-weight:normal;font-size:11px;fill:#555}.e{text-anchor:end}"
		".a{stroke:#999;fill:none}.c{stroke:#1f6fb4;fill:none;"
		"stroke-width:1.2}.g{stroke:#c33;stroke-dasharray:4 3}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH, height, WIDTH, height);
	for (unsigned i = 0; i < p->nr; i++)
		put_panel(p, &p->series[i], (double)i * PANEL, out);
	if (p->trigger_ns >= p->from_ns && p->trigger_ns <= p->to_ns &&
	    p->trigger_ns)
		fprintf(out,
			"<path class=\"g\" d=\"M%.1f 0V%d\"/>\n"
			"<text class=\"n\" x=\"%.1f\" y=\"%d\">trigger %s</text>\n",
			x_of(p, p->trigger_ns), height - BOTTOM,
			x_of(p, p->trigger_ns) > WIDTH - 200 ?
				WIDTH - 200.0 :
				x_of(p, p->trigger_ns),
			height - 6, report_wall(when, v, 0, p->trigger_ns));
	fprintf(out,
		"<text class=\"n\" x=\"%d\" y=\"%d\">%s</text>\n"
		"<text class=\"n e\" x=\"%d\" y=\"%d\">%s</text>\n</svg>\n",
		LEFT, height - 24, report_wall(from, v, 0, p->from_ns),
		WIDTH - RIGHT, height - 24, report_wall(to, v, 0, p->to_ns));
}
