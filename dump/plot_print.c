/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plot_print.c - curves for a terminal: braille dots, or # where there are none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dump/plot.h"
#include "dump/report.h"

#define LABEL_WIDTH 12

struct grid {
	unsigned columns, rows; /* dots */
	unsigned char *dots;    /* [rows * columns] */
};

static unsigned dots_across(const struct plot *p)
{
	return p->ascii ? 1 : 2;
}

static unsigned dots_down(const struct plot *p)
{
	return p->ascii ? 1 : 4;
}

static unsigned cells(const struct plot *p)
{
	return p->width > LABEL_WIDTH + 10 ? p->width - LABEL_WIDTH : 10;
}

static unsigned column_of(const struct plot *p, const struct grid *g,
			  uint64_t ts)
{
	double part = (double)(ts - p->from_ns) /
		      (double)(p->to_ns - p->from_ns ?: 1);
	unsigned column = (unsigned)(part * g->columns);

	return column < g->columns ? column : g->columns - 1;
}

static unsigned row_of(const struct grid *g, double low, double high,
		       double value)
{
	double part = (value - low) / (high - low);
	unsigned row = (unsigned)((1 - part) * (g->rows - 1) + 0.5);

	return row < g->rows ? row : g->rows - 1;
}

/* A step.  A value holds until the next one; a rate is that of the time before. */
static void draw_to(struct grid *g, bool is_rate, unsigned column, unsigned row,
		    unsigned to_column, unsigned to_row)
{
	unsigned first = row < to_row ? row : to_row;
	unsigned last = row < to_row ? to_row : row;
	unsigned level = is_rate ? to_row : row;

	for (unsigned c = column; c <= to_column; c++)
		g->dots[level * g->columns + c] = 1;
	for (unsigned r = first; r <= last; r++)
		g->dots[r * g->columns + (is_rate ? column : to_column)] = 1;
}

static void draw(const struct plot *p, const struct plot_series *s,
		 struct grid *g)
{
	unsigned column = 0, row = 0;
	bool pen = false;
	double low, high;

	plot_range(s, &low, &high);
	for (size_t i = 0; i < s->nr; i++) {
		unsigned c, r;

		if (isnan(s->points[i].value)) {
			pen = false;
			continue;
		}
		c = column_of(p, g, s->points[i].ts);
		r = row_of(g, low, high, s->points[i].value);
		draw_to(g, s->is_counter, pen ? column : c, pen ? row : r, c,
			r);
		column = c;
		row = r;
		pen = true;
	}
}

/* U+2800 and the dots, in UTF-8. */
static void put_braille(const struct grid *g, unsigned column, unsigned row,
			FILE *out)
{
	static const unsigned char bit[4][2] = {
		{ 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 }
	};
	unsigned bits = 0;

	for (unsigned r = 0; r < 4; r++)
		for (unsigned c = 0; c < 2; c++)
			if (g->dots[(row + r) * g->columns + column + c])
				bits |= bit[r][c];
	if (bits)
		fprintf(out, "\xe2%c%c", 0xa0 | (int)(bits >> 6),
			0x80 | (int)(bits & 0x3f));
	else
		fputc(' ', out);
}

static void put_label(const struct plot *p, const struct plot_series *s,
		      unsigned row, FILE *out)
{
	double low, high;
	char text[48] = "";

	plot_range(s, &low, &high);
	if (row == 0)
		plot_value(text, s, high, LABEL_WIDTH - 2);
	else if (row == p->height - 1)
		plot_value(text, s, low, LABEL_WIDTH - 2);
	else if (row == p->height / 2 && p->height > 4)
		plot_value(text, s, high - (high - low) * row / (p->height - 1),
			   LABEL_WIDTH - 2);
	fprintf(out, "%*s ", LABEL_WIDTH - 2, text);
	fputs(p->ascii ? "|" : "\xe2\x94\x82", out);
}

static void put_panel(const struct plot *p, const struct plot_series *s,
		      FILE *out)
{
	struct grid g = { .columns = cells(p) * dots_across(p),
			  .rows = p->height * dots_down(p) };
	char min[48], mean[48], max[48], last[48];

	g.dots = calloc(g.columns, g.rows);
	if (!g.dots)
		return;
	draw(p, s, &g);
	fprintf(out, "%s: least %s, mean %s, most %s, last %s\n", s->name,
		plot_value(min, s, s->min, sizeof(min)),
		plot_value(mean, s, s->mean, sizeof(mean)),
		plot_value(max, s, s->max, sizeof(max)),
		plot_value(last, s, s->last, sizeof(last)));
	for (unsigned row = 0; row < p->height; row++) {
		put_label(p, s, row, out);
		for (unsigned c = 0; c < cells(p); c++)
			if (p->ascii)
				fputc(g.dots[row * g.columns + c] ? '#' : ' ',
				      out);
			else
				put_braille(&g, 2 * c, 4 * row, out);
		fputc('\n', out);
	}
	free(g.dots);
}

/* The time alone where there is no room for the date, or the first alone. */
static void put_ends(const struct plot *p, const char *from, const char *to,
		     FILE *out)
{
	size_t room = cells(p);

	if (strlen(from) + strlen(to) >= room) {
		from += strcspn(from, " ");
		to += strcspn(to, " ");
		from += *from == ' ';
		to += *to == ' ';
	}
	if (strlen(from) + strlen(to) >= room)
		to = "";
	fprintf(out, "%*s%s%*s\n", LABEL_WIDTH, "", from,
		(int)(room - strlen(from)), to);
}

/* The trigger's place on a line of its own, then begin and end. */
static void put_axis(const struct plot *p, const struct view *v, FILE *out)
{
	char from[48], to[48], when[48];
	struct grid g = { .columns = cells(p), .rows = 1 };

	if (p->trigger_ns >= p->from_ns && p->trigger_ns <= p->to_ns &&
	    p->trigger_ns)
		fprintf(out, "%*s%s trigger %s\n",
			(int)(LABEL_WIDTH + column_of(p, &g, p->trigger_ns)),
			"", p->ascii ? "^" : "\xe2\x96\xb2",
			report_wall(when, v, 0, p->trigger_ns));
	report_wall(from, v, 0, p->from_ns);
	report_wall(to, v, 0, p->to_ns);
	put_ends(p, from, to, out);
}

void plot_print(const struct plot *p, const struct view *v, FILE *out)
{
	for (unsigned i = 0; i < p->nr; i++)
		put_panel(p, &p->series[i], out);
	put_axis(p, v, out);
}
