/* SPDX-License-Identifier: MIT */
/* Whether memory is kept for its next use. Not under AddressSanitizer, which does not see that
 * somebody still uses what is kept. */
#ifndef OXYPY_SPARE_H
#define OXYPY_SPARE_H

#if defined(__SANITIZE_ADDRESS__)
#define OXYPY_KEEPS_SPARE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OXYPY_KEEPS_SPARE 0
#endif
#endif
#ifndef OXYPY_KEEPS_SPARE
#define OXYPY_KEEPS_SPARE 1
#endif

#endif
