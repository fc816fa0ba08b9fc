/* SPDX-License-Identifier: MIT */
/* Near answers: a server on the same machine answers sooner than a sleeping task
 * is woken. So, where the event loop has nothing else to do, a statement waits
 * inside of its call for a moment: asleep if the server runs on this processor,
 * which it needs, else looking, since another processor is slow to wake us.
 * docs/internals/runtime.md says what it is worth and what it may cost. */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getcpu() */
#endif
#include "execute.h"

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>

/* After so many answers in a row that were not near, only one in SELDOM is looked for, and these in
 * runs of BURST: the first finds both sides asleep, the next ones as they are while we look. */
#define LATE_MAX 3
#define SELDOM 16
#define BURST 4
/* Who is away for so long between two looks shares the processor with somebody. To give it up
 * by sched_yield() would cost a time slice where that somebody computes. */
#define LOST (20 * OXY_NS_PER_MS / 1000)
/* On this machine slower answers are soon there, too: looked for so many budgets longer, while other
 * threads run. Across a network that would be spent on the way. */
#define LONGER 3
/* A long answer comes in parts, each looked for anew; in all no longer than so many budgets. */
#define PARTS_MAX 10
/* Rows that have been coming for so long from this machine are not looked for again and again but after naps
 * of at least so long: the sender neither wakes anybody for each piece nor finds its socket in use. */
#define NAPS_AFTER (2 * OXY_NS_PER_MS)
#define NAP (OXY_NS_PER_MS / 20)
/* Who waits for the GIL for so long shares it with a thread that computes, and would wait at every
 * statement: for so long it is kept, and the answer is looked for. */
#define CROWDED OXY_NS_PER_MS
#define CROWDED_FOR OXY_NS_PER_S

/* Whether nothing but this answer is waited for, as far as the loop can tell. */
static bool nothing_else(oxypy_loop *loop)
{
    return loop->resumes == NULL && loop->woken == NULL && !loop->beginning && oxypy_sight_idle(loop);
}

/* Whether it is worth it after so many answers in a row that it was not. */
static bool pays(uint8_t late, uint8_t *skipped)
{
    return late < LATE_MAX || (*skipped)++ % (SELDOM * BURST) < BURST;
}

/* late: how many in a row did not come. */
static void note(uint8_t *late, bool came)
{
    *late = came ? 0 : (uint8_t)(*late + (*late < LATE_MAX));
}

#if defined(SO_INCOMING_CPU)
/* Whether the server's last bytes were sent from the processor that this thread runs on: it runs there
 * when we wait, and at once. Sockets within a machine know; so does a network card's interrupt, which
 * tells nothing, but whoever answers from afar is waited for in the same way. */
static bool is_beside(int fd)
{
    int cpu = -1;
    socklen_t len = sizeof cpu;

    return getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len) == 0 && cpu >= 0 && cpu == sched_getcpu();
}
#else
static bool is_beside(int fd)
{
    (void)fd;
    return false;
}
#endif

/* Whether who answers here, the server or what stands before it, runs on this machine. */
static bool is_here(int fd)
{
    union {
        struct sockaddr base;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } own, peer;
    socklen_t n_own = sizeof own, n_peer = sizeof peer;

    if (getsockname(fd, &own.base, &n_own) != 0 || getpeername(fd, &peer.base, &n_peer) != 0)
        return false;
    switch (peer.base.sa_family) {
    case AF_UNIX: return true;
    case AF_INET:
        return ntohl(peer.v4.sin_addr.s_addr) >> 24 == 127 || peer.v4.sin_addr.s_addr == own.v4.sin_addr.s_addr;
    case AF_INET6: return memcmp(&peer.v6.sin6_addr, &own.v6.sin6_addr, sizeof own.v6.sin6_addr) == 0;
    default: return false;
    }
}

static bool is_near(oxypy_wire *wire, int fd)
{
    if (wire->place == OXYPY_PLACE_UNKNOWN)
        wire->place = is_here(fd) ? OXYPY_PLACE_HERE : OXYPY_PLACE_ELSEWHERE;
    return wire->place == OXYPY_PLACE_HERE;
}

/* Looks again and again, until something is there, time is over or others need the processor. What poll() said. */
static int look(struct pollfd watched[2], oxy_ns until)
{
    oxy_ns before, now = oxy_clock_now();
    int n;

    do {
        before = now;
        n = poll(watched, 2, 0);
        now = oxy_clock_now();
    } while (n == 0 && now < until && now - before < LOST);
    return n;
}

/* Looks after each of some naps, in which nothing wakes this thread: the same in less processor time,
 * and what has come since it fell asleep is read in one piece. */
static int look_and_nap(struct pollfd watched[2], oxy_ns until)
{
    const struct timespec nap = {.tv_nsec = NAP};
    int n;

    do {
        (void)nanosleep(&nap, NULL);
        n = poll(watched, 2, 0);
    } while (n == 0 && oxy_clock_now() < until);
    return n;
}

/* While other threads run: looks on for the first part of a span, then sleeps, until something is there
 * or the span is over. What poll() said; seen: nothing had to sleep for it. */
static int sleep_for(oxypy_loop *loop, struct pollfd watched[2], oxy_ns longer, bool naps, oxy_ns span, bool *seen)
{
    oxy_ns begun = oxy_clock_now(), left = span, woken, now;
    int n = 0;

    Py_BEGIN_ALLOW_THREADS;
    if (longer > 0) {
        oxy_ns until = begun + (longer < span ? longer : span);

        n = naps ? look_and_nap(watched, until) : look(watched, until);
        *seen = n != 0;
        left = begun + span - oxy_clock_now();
    }
    if (n == 0 && left > 0)
        n = poll(watched, 2, (int)((left + OXY_NS_PER_MS - 1) / OXY_NS_PER_MS)); /* rounded as selectors do */
    woken = oxy_clock_now();
    Py_END_ALLOW_THREADS;
    now = oxy_clock_now();
    if (now - woken > CROWDED)
        loop->crowded_until = now + CROWDED_FOR;
    return n;
}

/* How long the loop itself would sleep, at most the longest; 0: not at all. */
static oxy_ns spare_time(oxypy_loop *loop, oxy_ns longest)
{
    oxy_ns now = oxy_clock_now(), timer = oxypy_sight_timer(loop);

    return timer <= now ? 0 : timer - now < longest ? timer - now : longest;
}

/* What is waited for: the connection's socket, and everything else of its loop. */
typedef struct watch {
    oxypy_loop *loop;
    oxypy_wire *wire;
    uint64_t id; /* the wire's: it may go while the call sleeps */
    struct pollfd fds[2];
} watch;

static watch watch_of(oxypy_loop *loop, oxypy_wire *wire)
{
    watch w = {.loop = loop, .wire = wire, .id = wire->id};

    w.fds[0] = (struct pollfd){.fd = wire->store->driver->fd(wire->conn), .events = POLLIN};
    w.fds[1] = (struct pollfd){.fd = loop->sight.selector, .events = POLLIN};
    return w;
}

/* Until the next bytes are here. NEAR_LATE: they are late, or something else is
 * here, or others need the processor: perhaps the server itself. rows_since: of
 * what statement rows have come, since it was sent; NEVER: none has. */
static oxypy_near await_part(watch *w, oxy_ns rows_since)
{
    oxypy_wire *wire = w->wire;
    oxy_ns budget = wire->store->config.near_budget, now = oxy_clock_now(), until = now + budget;
    bool sleeps = now >= w->loop->crowded_until, rows = rows_since != OXY_NS_NEVER && is_near(wire, w->fds[0].fd);
    bool naps = sleeps && rows && now - rows_since >= NAPS_AFTER;
    bool looks = !naps && !(sleeps && is_beside(w->fds[0].fd)) && (rows || pays(wire->late, &wire->skipped));
    oxy_ns longest = oxypy_sight_longest(w->loop), longer = naps ? (1 + LONGER) * budget : 0, spare;
    bool seen = false;
    int n = 0;

    if (looks) {
        n = look(w->fds, until);
        seen = n != 0;
        if (!seen && oxy_clock_now() >= until && is_near(wire, w->fds[0].fd)) /* nobody else needed the processor */
            longer = LONGER * budget;
    }
    spare = n == 0 && sleeps && (rows || pays(wire->slow, &wire->passed)) ? spare_time(w->loop, longest) : 0;
    if (spare > 0) {
        n = sleep_for(w->loop, w->fds, longer, naps, spare, &seen);
        if (oxypy_wire_find(w->loop->st->runtime, w->id) != wire || wire->conn == NULL)
            return OXYPY_NEAR_GONE; /* another thread has closed it meanwhile */
        if (!rows && (n != 0 || spare == longest))
            note(&wire->slow, n != 0);
    }
    if (looks && !rows)
        note(&wire->late, seen);
    return n > 0 && w->fds[0].revents != 0 ? OXYPY_NEAR_HERE : OXYPY_NEAR_LATE;
}

oxypy_near oxypy_near_answer(oxypy_operation *op, oxy_ns rows_since, oxy_step *step)
{
    oxypy_lease *lease = op->lease;
    const oxy_driver *driver = lease->store->driver;
    oxy_ns budget = lease->store->config.near_budget, end;
    watch w;

    if (budget <= 0 || lease->wire->first != lease || lease->behind != NULL || !nothing_else(op->loop))
        return OXYPY_NEAR_LATE;
    w = watch_of(op->loop, lease->wire);
    end = oxy_clock_now() + PARTS_MAX * budget;
    do {
        oxypy_near near = await_part(&w, rows_since);

        if (op->lease != lease || lease->conn == NULL)
            return OXYPY_NEAR_GONE; /* or taken from its session */
        if (near != OXYPY_NEAR_HERE)
            return near;
        *step = driver->pump(lease->conn);
        if (*step != OXY_STEP_WANT_READ)
            return *step != OXY_STEP_WANT_WRITE ? OXYPY_NEAR_HERE : OXYPY_NEAR_LATE;
        /* a part of it came: the rest is on its way */
    } while (oxy_clock_now() < end);
    return OXYPY_NEAR_LATE;
}

/* Whether somebody waits for an answer at the wire's socket, of which this loop hears. */
static bool is_awaited(const oxypy_wire *wire, const oxypy_loop *loop)
{
    return wire != NULL && wire->conn != NULL && wire->hub == loop->hub && !wire->writing && wire->first != NULL &&
           wire->first->polling;
}

bool oxypy_near_flight(oxypy_loop *loop, uint64_t id)
{
    oxypy_runtime *rt = loop->st->runtime;
    oxypy_wire *wire = oxypy_wire_find(rt, id);
    oxy_ns end;
    watch w;

    if (!is_awaited(wire, loop) || wire->store->config.near_budget <= 0 || !nothing_else(loop))
        return false;
    w = watch_of(loop, wire);
    end = oxy_clock_now() + PARTS_MAX * wire->store->config.near_budget;
    do {
        if (await_part(&w, OXY_NS_NEVER) != OXYPY_NEAR_HERE)
            return false;
        oxypy_wire_event(rt, id, loop);
        if (loop->woken != NULL)
            return true;
    } while (oxypy_wire_find(rt, id) == wire && is_awaited(wire, loop) && nothing_else(loop) && oxy_clock_now() < end);
    return false;
}
