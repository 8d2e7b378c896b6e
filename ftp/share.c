/*
 * ftp/share.c - the sessions of all workers, for the limits on them.
 *
 * A worker writes its own slot only; all read.  Who comes is entered first
 * and counted then, so that two workers never let in one too many.
 */
#include <stdatomic.h>
#include <string.h>

#include "session_int.h"

struct ftp_seat {
	_Atomic int taken;
	_Atomic uint64_t user;
	uint64_t address;		/* ftp_address_key(); 0: nobody */
	_Atomic unsigned turn;		/* of doing; odd: it is written */
	_Atomic int64_t bytes;		/* of the transfer */
	struct ftp_doing doing;
};

struct slot {
	_Atomic int sessions, top;	/* seats beyond top were never used */
	_Atomic bool open;		/* takes new sessions */
	_Atomic int64_t count[FTP_COUNTS];	/* of all its workers */
};

struct ftp_share {
	int workers, seats;		/* seats of one worker */
	_Atomic unsigned last_id;
	struct slot *slot;
	struct ftp_seat *seat;		/* of slot 0, then of slot 1 ... */
	size_t size;
};

struct ftp_share *
ftp_share_new(int workers, int sessions, struct err *e)
{
	size_t head = sizeof(struct ftp_share) +
	    (size_t)workers * sizeof(struct slot);
	size_t size = head + (size_t)workers * (size_t)sessions *
	    sizeof(struct ftp_seat);
	struct ftp_share *s = net_shared_new(size, e);

	if (s == NULL)
		return NULL;
	s->workers = workers;
	s->seats = sessions;
	s->size = size;
	s->slot = (struct slot *)(s + 1);
	s->seat = (struct ftp_seat *)((char *)s + head);
	return s;
}

void
ftp_share_free(struct ftp_share *s)
{
	if (s != NULL)
		net_shared_free(s, s->size);
}

static struct ftp_seat *
seats(const struct ftp_share *s, int slot)
{
	return s->seat + (size_t)slot * (size_t)s->seats;
}

void
ftp_share_forget(struct ftp_share *s, int slot)
{
	int i;

	for (i = 0; i < s->slot[slot].top; i++)
		seats(s, slot)[i].taken = 0;
	s->slot[slot].sessions = 0;
	s->slot[slot].open = false;
}

void
ftp_share_open(struct ftp_share *s, int slot, bool open)
{
	s->slot[slot].open = open;
}

unsigned
ftp_share_next_id(struct ftp_share *s)
{
	return ++s->last_id;
}

struct ftp_seat *
ftp_seat_take(struct ftp_share *s, int slot, uint64_t address)
{
	struct ftp_seat *seat = seats(s, slot);
	int i;

	for (i = 0; i < s->seats && seat[i].taken; i++)
		;
	if (i == s->seats)
		return NULL;
	seat[i].address = address;
	if (i >= s->slot[slot].top)
		s->slot[slot].top = i + 1;
	seat[i].turn = 0;		/* nothing to be seen yet */
	seat[i].user = 0;
	seat[i].taken = 1;
	s->slot[slot].sessions++;
	return &seat[i];
}

void
ftp_seat_leave(struct ftp_share *s, int slot, struct ftp_seat *seat)
{
	if (seat == NULL)
		return;
	seat->taken = 0;
	s->slot[slot].sessions--;
}

void
ftp_seat_user(struct ftp_seat *seat, uint64_t user)
{
	if (seat != NULL)
		seat->user = user;
}

size_t
ftp_share_sessions(const struct ftp_share *s)
{
	size_t n = 0;
	int i;

	for (i = 0; i < s->workers; i++)
		n += (size_t)s->slot[i].sessions;
	return n;
}

size_t
ftp_share_sessions_of(const struct ftp_share *s, uint64_t address)
{
	const struct ftp_seat *seat;
	size_t n = 0;
	int i, k;

	for (i = 0; i < s->workers; i++) {
		seat = seats(s, i);
		for (k = 0; k < s->slot[i].top; k++)
			n += seat[k].taken && seat[k].address == address;
	}
	return n;
}

size_t
ftp_share_sessions_of_user(const struct ftp_share *s, uint64_t user)
{
	const struct ftp_seat *seat;
	size_t n = 0;
	int i, k;

	for (i = 0; i < s->workers; i++) {
		seat = seats(s, i);
		for (k = 0; k < s->slot[i].top; k++)
			n += seat[k].taken && seat[k].user == user;
	}
	return n;
}

bool
ftp_share_is_busiest(const struct ftp_share *s, int slot)
{
	int mine = s->slot[slot].sessions;
	int i;

	for (i = 0; i < s->workers; i++)
		if (s->slot[i].open && s->slot[i].sessions < mine)
			return true;
	return false;
}

/* ---- for the status ---- */

void
ftp_share_count(struct ftp_share *s, int slot, int what, int64_t n)
{
	s->slot[slot].count[what] += n;
}

void
ftp_share_totals(const struct ftp_share *s, int64_t total[FTP_COUNTS])
{
	int i, k;

	memset(total, 0, FTP_COUNTS * sizeof(total[0]));
	for (i = 0; i < s->workers; i++)
		for (k = 0; k < FTP_COUNTS; k++)
			total[k] += s->slot[i].count[k];
}

void
ftp_seat_moved(struct ftp_seat *seat, int64_t bytes)
{
	seat->bytes = bytes;
}

void
ftp_seat_show(struct ftp_seat *seat, const struct ftp_doing *d)
{
	seat->turn |= 1;
	atomic_thread_fence(memory_order_seq_cst);
	seat->doing = *d;
	seat->bytes = d->bytes;
	seat->turn++;
}

/* A copy that nobody wrote to meanwhile; the writer takes no time at all. */
static bool
look(const struct ftp_seat *seat, struct ftp_doing *d)
{
	unsigned turn;
	int tries;

	for (tries = 0; tries < 1000 && seat->taken; tries++) {
		turn = seat->turn;
		*d = seat->doing;
		d->bytes = seat->bytes;
		atomic_thread_fence(memory_order_seq_cst);
		if (turn != 0 && turn % 2 == 0 && turn == seat->turn)
			return true;
	}
	return false;
}

bool
ftp_share_look(const struct ftp_share *s, size_t *at, struct ftp_doing *d)
{
	size_t seats_of = (size_t)s->seats, slot;

	while ((slot = *at / seats_of) < (size_t)s->workers) {
		if (*at % seats_of >= (size_t)s->slot[slot].top)
			*at = (slot + 1) * seats_of;
		else if (look(&s->seat[(*at)++], d))
			return true;
	}
	return false;
}
