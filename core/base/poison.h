/* SPDX-License-Identifier: MIT */
/* For this room only: marks memory as out of bounds under AddressSanitizer. */
#ifndef OXY_BASE_POISON_H
#define OXY_BASE_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define OXY__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OXY__ASAN 1
#endif
#endif

#ifdef OXY__ASAN
#include <sanitizer/asan_interface.h>
#define OXY__POISON(p, size) ASAN_POISON_MEMORY_REGION((p), (size))
#define OXY__UNPOISON(p, size) ASAN_UNPOISON_MEMORY_REGION((p), (size))
/* Bytes left poisoned behind every piece, so that an overrun cannot land in
 * the next one unnoticed. */
#define OXY__REDZONE ((size_t)16)
#else
#define OXY__POISON(p, size) ((void)(p), (void)(size))
#define OXY__UNPOISON(p, size) ((void)(p), (void)(size))
#define OXY__REDZONE ((size_t)0)
#endif

#endif
