/* SPDX-License-Identifier: MIT */
/* Many sockets behind one descriptor: epoll, or kqueue where there is none. The
 * event loop watches that descriptor alone, so to watch a socket is one system
 * call of ours, from any thread, and no work for the loop. */
#include "runtime_private.h"

#include <errno.h>
#include <unistd.h>

#ifdef __linux__

#include <sys/epoll.h>

int oxypy_poll_new(int signal_fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = OXYPY_POLL_SIGNAL};
    int poll = epoll_create1(EPOLL_CLOEXEC);

    if (poll >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, signal_fd, &event) < 0) {
        int saved = errno;

        (void)close(poll);
        errno = saved;
        return -1;
    }
    return poll;
}

int oxypy_poll_watch(int poll, int fd, uint64_t id, bool writing)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0U), .data.u64 = id};

    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return errno == EEXIST ? epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event) : -1;
}

void oxypy_poll_forget(int poll, int fd)
{
    struct epoll_event unused = {0};

    /* A descriptor that was closed is forgotten already. */
    (void)epoll_ctl(poll, EPOLL_CTL_DEL, fd, &unused);
}

int oxypy_poll_take(int poll, uint64_t *ids, int cap)
{
    struct epoll_event events[64];
    int n;

    if (cap > (int)OXY_COUNT(events))
        cap = (int)OXY_COUNT(events);
    do
        n = epoll_wait(poll, events, cap, 0);
    while (n < 0 && errno == EINTR);
    for (int i = 0; i < n; i++)
        ids[i] = events[i].data.u64;
    return n < 0 ? 0 : n;
}

#else

#include <sys/event.h>
#include <sys/time.h>
#include <sys/types.h>

/* kqueue keeps reading and writing apart. Ids travel as pointers; where those
 * have 32 bits, an id is cut and an event may find nothing: wires have small
 * numbers, so only the generation is cut. */
static int change(int poll, int fd, int16_t filter, uint16_t flags, uint64_t id)
{
    struct kevent event;

    EV_SET(&event, (uintptr_t)fd, filter, flags, 0, 0, (void *)(uintptr_t)id);
    return kevent(poll, &event, 1, NULL, 0, NULL);
}

int oxypy_poll_new(int signal_fd)
{
    int poll = kqueue();

    if (poll >= 0 && change(poll, signal_fd, EVFILT_READ, EV_ADD, OXYPY_POLL_SIGNAL) < 0) {
        int saved = errno;

        (void)close(poll);
        errno = saved;
        return -1;
    }
    return poll;
}

int oxypy_poll_watch(int poll, int fd, uint64_t id, bool writing)
{
    if (change(poll, fd, EVFILT_READ, EV_ADD, id) < 0)
        return -1;
    if (writing)
        return change(poll, fd, EVFILT_WRITE, EV_ADD, id);
    if (change(poll, fd, EVFILT_WRITE, EV_DELETE, id) < 0 && errno != ENOENT)
        return -1;
    return 0;
}

void oxypy_poll_forget(int poll, int fd)
{
    (void)change(poll, fd, EVFILT_READ, EV_DELETE, 0);
    (void)change(poll, fd, EVFILT_WRITE, EV_DELETE, 0);
}

int oxypy_poll_take(int poll, uint64_t *ids, int cap)
{
    struct kevent events[64];
    const struct timespec none = {0, 0};
    int n;

    if (cap > (int)OXY_COUNT(events))
        cap = (int)OXY_COUNT(events);
    do
        n = kevent(poll, NULL, 0, events, cap, &none);
    while (n < 0 && errno == EINTR);
    for (int i = 0; i < n; i++)
        ids[i] = (uint64_t)(uintptr_t)events[i].udata;
    return n < 0 ? 0 : n;
}

#endif

void oxypy_poll_close(int poll)
{
    (void)close(poll);
}
