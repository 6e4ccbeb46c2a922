/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.pml - the protocol of include/flightrec/ring.h, small enough to be searched
 * whole: one lane, two CPUs, CHUNKS chunks of two record slots.
 *
 * Writers A and B share the word of CPU 0 in every interleaving - one nested in
 * the other is the case in which the other does not move -, C writes on CPU 1.
 * A death is that a writer never moves again, after any step: every demand but
 * the judge's is made in each state, whoever moves later.  The freezer reads the
 * words, holds, copies, checks and releases, FREEZES times; the clock may run out
 * on one hold (-DCLOCK).  With -DSEAL the recorder seals CPU 1 beside its writer.
 *
 * Each step between two semicolons that touches shared memory is one access of
 * the real thing.  Memory here is sequentially consistent: an order of two
 * stores or loads that the real code pays a barrier for is an order of steps
 * here, and has a mutant that swaps them.  Names in capitals behind #ifdef are
 * mutants; run.sh checks that each of them fails.
 */
#ifndef CHUNKS
#define CHUNKS 2
#endif
#ifndef FREEZES
#define FREEZES 2
#endif
#ifndef FREE
#define FREE 0 /* lane.limit_free */
#endif
#ifndef RECS_A
#define RECS_A 2
#endif
#ifndef RECS_B
#define RECS_B 1
#endif
#ifndef RECS_C
#define RECS_C 1
#endif
#ifndef TRIES
#define TRIES 2 /* chunks looked at in a roll-over */
#endif
#ifndef SIZE_A
#define SIZE_A 1 /* slots of a record of A */
#endif
#ifndef OFF_MAX
#define OFF_MAX 4 /* 1 + what A and B add at once */
#endif
#define SLOTS 2
#define ORDINALS 15 /* no run takes more: asserted */
#define NONE CHUNKS /* FR_CHUNK_NONE */
#define PAD 16 /* added to an ordinal in a slot head */
#define CONT 32
#define ACTIVE 1
#define HELD 2
#ifdef HOLD_WITHOUT_ID
#define HOLD_ID 0
#else
#define HOLD_ID (f << 2) /* FR_CHUNK_HOLD() */
#endif
#define BIT(o, off) (1 << ((o)*2 + (off)))

/* The ring. */
typedef pos_t {
	byte ord, ch, off
};
typedef chunk_t {
	byte state;
	byte ordinal;
	byte committed;
	bit cpu;
	byte head[SLOTS];
	byte body[SLOTS]
};
byte next = 1;
bit hold_valid;
pos_t word[2];
chunk_t chunk[CHUNKS];

/* Ghosts: what really happened, one bit per (ordinal, offset). */
int reserved[2]; /* by CPU */
int done; /* committed */
int two_slots; /* first slot of a record of two */
int claimer; /* bit per ordinal: claimed by CPU 1 */
int gone; /* the chunk was claimed again */
byte owners[CHUNKS]; /* 0, or who owns it: CPU + 1 */
bit claiming[CHUNKS]; /* between the claim and its end */
bit voided; /* a hold ran out in this run */
byte held_skips; /* ordinals spent on held chunks */
byte finished; /* writers that came to their end */
bit dead;

#define BITS (n == 2 -> BIT(seen.ord, 0) | BIT(seen.ord, 1) : \
			BIT(seen.ord, seen.off))

inline ghost_reserve()
{
	assert(seen.ord <= ORDINALS);
	mine = BITS;
	assert(!((reserved[0] | reserved[1]) & mine));
	reserved[cpu] = reserved[cpu] | mine;
	two_slots = two_slots | (n == 2 -> BIT(seen.ord, 0) : 0)
}

#define CLEAR_ACTIVE(x) \
	d_step { chunk[x].state = chunk[x].state & ~ACTIVE; owners[x] = 0; claiming[x] = 0 }

#ifdef HELD_SKIPS_MAX
#define COUNT_HELD_SKIP held_skips++
#else
#define COUNT_HELD_SKIP skip
#endif

/* ---- writer ---------------------------------------------------------------- */

inline fill_slot(n_off, h)
{
#ifdef HEAD_BEFORE_BODY
	chunk[seen.ch].head[n_off] = h;
	chunk[seen.ch].body[n_off] = seen.ord * 2 + n_off;
#else
	chunk[seen.ch].body[n_off] = seen.ord * 2 + n_off;
	chunk[seen.ch].head[n_off] = h;
#endif
}

/* Step 4; mine: the ghost of what is committed. */
inline commit(n_slots)
{
	d_step {
		chunk[seen.ch].committed = chunk[seen.ch].committed + n_slots;
		done = done | mine;
		mine = 0
	}
}

inline fill()
{
#ifdef COMMIT_BEFORE_HEAD
	commit(n);
#endif
	if
	:: n == 2 ->
#ifdef FIRST_HEAD_FIRST
		fill_slot(0, seen.ord);
		fill_slot(1, seen.ord + CONT)
#else
		fill_slot(1, seen.ord + CONT);
		fill_slot(0, seen.ord)
#endif
	:: else ->
		fill_slot(seen.off, seen.ord)
	fi;
#ifndef COMMIT_BEFORE_HEAD
	commit(n)
#endif
}

/* The rest of a chunk that a record of two slots does not fit into. */
inline pad()
{
#ifndef NO_PAD_HEAD
	chunk[seen.ch].head[seen.off] = seen.ord + PAD;
#endif
#ifndef NO_PAD_COMMIT
	commit(SLOTS - seen.off)
#else
	skip
#endif
}

/*
 * Step a: ord = 0 if the frontier is held.  The look at it is one step: it is
 * not relied on, claim() looks again.
 */
inline take_ordinal()
{
#ifndef NO_FRONTIER_CHECK
	d_step {
		ord = ((chunk[next % CHUNKS].state & HELD) && hold_valid -> 0 :
									   1)
	};
	if
	:: ord ->
#endif
		d_step {
			ord = next;
			next++;
			c = ord % CHUNKS;
			assert(ord <= ORDINALS)
		}
#ifndef NO_FRONTIER_CHECK
	:: else
	fi
#endif
}

/* Steps b and c: got.  The look at `committed` is one step with the claim: a
 * commit in between is the same as one before. */
inline claim()
{
#ifdef HOLD_BEFORE_STATE
	hv = hold_valid;
#endif
	d_step { st = chunk[c].state; got = 0 };
#ifndef HOLD_BEFORE_STATE
	if
	:: st & HELD -> hv = hold_valid
	:: else
	fi;
#endif
	if
#ifndef NO_ACTIVE_CHECK
	:: st & ACTIVE -> skip
#endif
#ifndef NO_HELD_CHECK
	:: !(st & ACTIVE) && (st & HELD) && hv -> COUNT_HELD_SKIP
#endif
	:: else ->
#ifdef COMMITTED_BEFORE_CAS
		ok = (chunk[c].committed == SLOTS);
#endif
		d_step {
			if
#ifndef CLAIM_AS_STORE
			:: chunk[c].state != st -> skip
#endif
			:: else ->
				/* a hold in force is kept */
				assert(!((st & HELD) && hold_valid));
				assert(owners[c] == 0);
				chunk[c].state = ACTIVE;
				owners[c] = cpu + 1;
				claiming[c] = 1;
				won = 1;
#ifdef NO_COMMITTED_CHECK
				got = 1
#else
#ifdef COMMITTED_BEFORE_CAS
				got = ok
#else
				got = (chunk[c].committed == SLOTS)
#endif
#endif
			fi;
			hv = 0; st = 0
		};
		if
		:: won && !got -> CLEAR_ACTIVE(c)
		:: else
		fi;
		won = 0
	fi
}

inline write_head()
{
	d_step {
		if
		:: chunk[c].ordinal ->
			gone = gone | BIT(chunk[c].ordinal, 0) |
				BIT(chunk[c].ordinal, 1)
		:: else
		fi;
		claimer = claimer | (cpu << ord);
#ifndef NO_ORDINAL_ZERO
		chunk[c].ordinal = 0
#endif
	};
#ifdef NO_ORDINAL_ZERO
	d_step { chunk[c].committed = 0; chunk[c].cpu = cpu };
	chunk[c].ordinal = ord
#else
	/* One step: nobody looks at the rest before there is an ordinal. */
	d_step {
		chunk[c].committed = 0;
		chunk[c].cpu = cpu;
#ifndef ORDINAL_AFTER_INSTALL
		chunk[c].ordinal = ord
#endif
	}
#endif
}

/* Steps d and e. seen: the used-up position, read before the ordinal. */
inline install()
{
#ifdef CLEAR_OLD_FIRST
	if
	:: seen.ch != NONE -> CLEAR_ACTIVE(seen.ch)
	:: else
	fi;
#endif
	d_step {
		if
#ifdef INSTALL_AS_STORE
		:: true ->
#else
#ifdef INSTALL_OVER_ANY
		:: word[cpu].off >= SLOTS ->
			seen.ord = word[cpu].ord;
			seen.ch = word[cpu].ch;
#else
		/* The same chunk with another offset is tried again. */
		:: word[cpu].ord == seen.ord && word[cpu].ch == seen.ch ->
#endif
#endif
			word[cpu].ord = ord;
			word[cpu].ch = c;
			word[cpu].off = 0;
			claiming[c] = 0;
			got = 1
#ifndef INSTALL_AS_STORE
		:: else -> got = 0
#endif
		fi
	};
#ifdef ORDINAL_AFTER_INSTALL
	chunk[c].ordinal = ord;
#endif
	if
	:: got ->
#if !defined(CLEAR_OLD_FIRST) && !defined(NO_CLEAR_OLD)
		if
		:: seen.ch != NONE -> CLEAR_ACTIVE(seen.ch)
		:: else
		fi
#else
		skip
#endif
	:: else ->
#ifndef LOSER_NO_PAD
		chunk[c].head[0] = ord + PAD;
#endif
#ifndef LOSER_NO_COMMIT
		chunk[c].committed = SLOTS;
#endif
#ifndef LOSER_NO_GIVE_BACK
		CLEAR_ACTIVE(c)
#else
		skip
#endif
	fi
}

/* ok = 0: lost. */
inline roll_over()
{
	i = 0;
	ok = 0;
	do
	:: i < TRIES && !ok ->
		i++;
		take_ordinal();
		if
		:: ord == 0 -> break
		:: else ->
			claim();
			if
			:: got ->
				write_head();
				install();
				ok = 1
			:: else
			fi
		fi
	:: else -> break
	od
}

/* Values that are not needed any more would only make more states. */
#define FORGET \
	d_step { c = 0; st = 0; ord = 0; i = 0; got = 0; ok = 0; hv = 0; \
		 seen.ord = 0; seen.ch = 0; seen.off = 0 }

inline put()
{
	t = 0;
	do
	:: t == 2 -> break
	:: else ->
		t++;
		/* Peek, so that a used-up offset does not grow for ever. */
		d_step {
			seen.ord = word[cpu].ord;
			seen.ch = word[cpu].ch;
			seen.off = word[cpu].off
		};
		if
#ifndef NO_PEEK
		:: seen.off >= SLOTS -> skip
#endif
		:: else ->
#ifdef RESERVE_AS_STORE
			d_step { word[cpu].off = seen.off + n };
#else
			d_step {
				seen.ord = word[cpu].ord;
				seen.ch = word[cpu].ch;
				seen.off = word[cpu].off;
				word[cpu].off = word[cpu].off + n;
				assert(word[cpu].off <= OFF_MAX);
				if
				:: seen.off + n <= SLOTS -> ghost_reserve()
				:: else
				fi
			};
#endif
#ifdef RESERVE_AS_STORE
			d_step {
				if
				:: seen.off + n <= SLOTS -> ghost_reserve()
				:: else
				fi
			};
#endif
			if
			:: seen.off + n <= SLOTS -> fill(); break
			:: seen.off < SLOTS && seen.off + n > SLOTS ->
				pad()
			:: else
			fi
		fi;
		roll_over();
		if
		:: d_step { !ok -> t = 2 }
		:: else
		fi;
		FORGET
	od;
	skip;
	d_step { c = 0; st = 0; ord = 0; i = 0; got = 0; ok = 0; hv = 0;
		seen.ord = 0; seen.ch = 0; seen.off = 0; t = 0 }
}


#define LOCALS \
	pos_t seen; byte c, st, ord, i, t, r; bit got, ok, hv, won; int mine

proctype writer(bit cpu; byte recs; byte n)
{
	LOCALS;

	r = 0;
	do
	:: r < recs -> r++; put()
	:: else -> break
	od;
end:	finished++
}

/* ---- freezer ----------------------------------------------------------------- */

/*
 * Reading changes nothing.  So each freeze watches one chunk k and one CPU w, any:
 * what is demanded of them is demanded of all.  Where the chunk turns out to be
 * the other CPU's, the run only goes on with the release.
 */
#define IN_CHUNK(b, x) ((b) & ((x) == 0 -> CHUNK0_BITS : CHUNK1_BITS))
/* (ordinal, offset) bits of even and odd ordinals, for two chunks */
#define CHUNK0_BITS 858993459 /* 0x33333333 */
#define CHUNK1_BITS (858993459 << 2)

inline read_word()
{
	d_step {
		cut.ord = word[w].ord;
		cut.ch = word[w].ch;
		cut.off = word[w].off;
		before = IN_CHUNK(reserved[w], k)
	}
}

inline hold(x)
{
	d_step {
		chunk[x].state = (chunk[x].state & ACTIVE) | HELD | HOLD_ID;
		loose = (x == k -> claiming[x] : loose)
	}
}

inline unhold(x)
{
	d_step { chunk[x].state = chunk[x].state & ACTIVE }
}

/* fr_chunk_limit() */
inline limit_of()
{
	limit = SLOTS;
	if
	:: ordinal == cut.ord && cut.off < SLOTS -> limit = cut.off
	:: ordinal > cut.ord -> limit = 0
	:: else
	fi;
#ifdef NO_LIMIT
	limit = SLOTS
#endif
}

/* ordinal = 0: the chunk is no part of the snapshot, or not CPU w's. */
inline read_head()
{
	ordinal = chunk[k].ordinal;
	d_step {
		mine = (chunk[k].cpu == w);
		if
		:: chunk[k].ordinal != ordinal -> ordinal = 0
		/* the rest of the head is of that claim */
		:: else ->
			assert(!ordinal ||
			       ((claimer >> ordinal) & 1) == chunk[k].cpu)
		fi;
		/* What was reserved before and is of another claim of the chunk
		 * has been overwritten. */
		missing = before & ~gone;
		if
		:: ordinal && mine ->
			missing = missing &
				  ~(BIT(ordinal, 0) | BIT(ordinal, 1))
		:: else
		fi;
		assert(missing == 0);
		missing = 0;
		if
		:: ordinal && mine -> limit_of()
		:: else -> ordinal = 0; before = 0
		fi;
		cut.ord = 0; cut.ch = 0; cut.off = 0; mine = 0
	}
}

inline accept(sl, bo)
{
	assert(bo == ordinal * 2 + sl); /* not torn, not of another claim */
	assert(before & BIT(ordinal, sl)) /* reserved before the cut */
}

/* Below the limit and without its head: somebody is still writing it. */
inline torn(sl)
{
	assert(!(done_then & BIT(ordinal, sl)));
	assert(!whole)
}

#ifdef NO_HEAD_MATCH
#define MATCHES(h) ((h) != 0 && (h) < PAD)
#else
#define MATCHES(h) ((h) == ordinal)
#endif

inline walk()
{
	if
	:: limit > 0 && MATCHES(h0) ->
		accept(0, b0);
		if
		/* a record's other slots are there when its first head is */
		:: limit > 1 && h1 == ordinal + CONT -> accept(1, b1)
		:: limit > 1 && h1 == ordinal + PAD
		:: limit > 1 && MATCHES(h1) -> accept(1, b1)
		:: limit > 1 && h1 != ordinal + CONT && h1 != ordinal + PAD &&
			!MATCHES(h1) ->
			torn(1);
			assert(!(two_slots & BIT(ordinal, 0)))
		:: else
		fi
	:: limit > 0 && h0 == ordinal + PAD
	:: limit > 0 && !MATCHES(h0) && h0 != ordinal + PAD ->
		torn(0);
		if
		:: limit > 1 && MATCHES(h1) -> accept(1, b1)
		:: else
		fi
	:: else
	fi;
	/* Nothing that was reserved before the cut is above the limit. */
	assert(limit > 0 || !(before & BIT(ordinal, 0)));
	assert(limit > 1 || !(before & BIT(ordinal, 1)))
}

inline forget_copy()
{
	h0 = 0; h1 = 0; b0 = 0; b1 = 0; stale = 0; whole = 0; done_then = 0;
	ordinal = 0; before = 0; limit = 0; loose = 0
}

inline copy()
{
#ifdef BODY_BEFORE_HEAD
	d_step { b0 = chunk[k].body[0]; b1 = chunk[k].body[1] };
#endif
	/* A slot that has no head now had none when it began. */
	d_step {
		h0 = chunk[k].head[0];
		done_then = done & (BIT(ordinal, 0) | BIT(ordinal, 1));
		whole = (chunk[k].committed == SLOTS)
	};
	h1 = chunk[k].head[1];
#ifndef BODY_BEFORE_HEAD
	d_step { b0 = chunk[k].body[0]; b1 = chunk[k].body[1] };
#endif
	d_step {
		stale = 0;
#ifndef NO_ORDINAL_RECHECK
		stale = (chunk[k].ordinal != ordinal);
#endif
		if
		/* only a claim begun before the hold, or a void hold */
		:: stale -> assert(voided || loose)
		:: else -> walk()
		fi;
		forget_copy()
	}
}

proctype freezer()
{
	pos_t cut;
	int before, missing, done_then;
	byte f, p, k, w, from, limit, ordinal, h0, h1, b0, b1;
	bit stale, whole, loose, mine;

	do
	:: f < FREEZES ->
		f++;
		if
		:: k = 0
		:: k = 1
		fi;
		if
		:: w = 0
		:: w = 1
		fi;
#ifdef NEXT_BEFORE_WORDS
		from = next;
		read_word();
#else
		read_word();
		from = next;
#endif
#ifndef HOLD_UNTIL_LAST
		hold_valid = 1;
#endif
		/* The oldest first, but FREE chunks. */
#if FREE == 0
		hold(from % CHUNKS);
#endif
		hold((from + 1) % CHUNKS);
#ifdef HOLD_UNTIL_LAST
		hold_valid = 1;
#endif
#if FREE == 1
		if
		:: k == from % CHUNKS ->
			/* What was there before is left to the writers. */
			d_step {
				missing = before & ~gone & ~(BIT(from, 0) - 1);
				assert(missing == 0);
				missing = 0; before = 0;
				cut.ord = 0; cut.ch = 0; cut.off = 0
			}
		:: else -> read_head()
		fi;
#else
		read_head();
#endif
		/* Released in order; each when it is copied. */
		p = 0;
		do
		:: p < CHUNKS ->
			if
			:: ordinal && k == (from + p) % CHUNKS ->
#ifdef RELEASE_BEFORE_COPY
				unhold(k);
#endif
				copy()
			:: else
			fi;
#ifndef NO_RELEASE
			unhold((from + p) % CHUNKS);
#endif
			p++
		:: else -> break
		od;
		skip;
		d_step {
			hold_valid = 0;
			p = 0; k = 0; w = 0; from = 0;
			forget_copy()
		}
	:: else -> break
	od;
	finished++
}

/* The time of a hold may run out, once. */
proctype clock()
{
end:	atomic { hold_valid -> hold_valid = 0; voided = 1 }
}

#ifdef SEAL
/* The recorder seals CPU 1 beside its writer. */
proctype sealer()
{
	pos_t seen;
	int mine;
	bit won;

	do
	:: d_step { seen.ord = word[1].ord; seen.ch = word[1].ch; seen.off = word[1].off };
		if
		:: seen.ch == NONE -> break
		:: else
		fi;
		d_step {
			if
#ifndef SEAL_AS_STORE
			:: word[1].ord != seen.ord || word[1].ch != seen.ch ||
				word[1].off != seen.off -> won = 0
#endif
			:: else ->
				won = 1;
#ifdef SEAL_FORGETS
				word[1].ord = 0;
#endif
				word[1].ch = NONE;
				word[1].off = SLOTS
			fi
		};
		if
		:: won ->
			if
			:: seen.off < SLOTS -> pad()
			:: else
			fi;
#ifndef SEAL_NO_CLEAR
			CLEAR_ACTIVE(seen.ch);
#endif
			break
		:: else
		fi
	od;
	finished++
}
#define SEALERS 1
#else
#define SEALERS 0
#endif

/* When all have ended nothing is stuck: a chunk is active if and only if a word
 * names it, and what no word names is whole. */
proctype judge()
{
	byte k;
	bit named;

	finished == 4 + SEALERS;
	d_step {
		k = 0;
		do
		:: k < CHUNKS ->
			named = (word[0].ch == k || word[1].ch == k);
			assert(named == (chunk[k].state & ACTIVE));
			assert(!(chunk[k].state & HELD));
			/* All that was reserved is committed, once. */
			assert(named || chunk[k].committed == SLOTS);
			assert(word[0].ch != k || word[0].off >= SLOTS ||
			       chunk[k].committed == word[0].off);
			assert(word[1].ch != k || word[1].off >= SLOTS ||
			       chunk[k].committed == word[1].off);
			assert(chunk[k].committed <= SLOTS);
			k++
		:: else -> break
		od;
#ifdef HELD_SKIPS_MAX
		assert(held_skips <= HELD_SKIPS_MAX);
#endif
		k = 0
	}
}

init
{
	d_step {
		byte k = 0;

		do
		:: k < CHUNKS -> chunk[k].committed = SLOTS; k++
		:: else -> break
		od;
		word[0].ch = NONE; word[0].off = SLOTS;
		word[1].ch = NONE; word[1].off = SLOTS
	};
	atomic {
		run writer(0, RECS_A, SIZE_A);
		run writer(0, RECS_B, 1);
		run writer(1, RECS_C, 1);
		run freezer();
#ifdef CLOCK
		run clock();
#endif
#ifdef SEAL
		run sealer();
#endif
		run judge()
	}
}
