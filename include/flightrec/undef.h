/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No include guard: clears the macros that events.def is read through. */
#undef FR_EVENT
#undef FR_AUX
#undef FR_FIELD
#undef FR_CHARS
#undef FR_BYTES
#undef FR_TAIL
#undef FR_END
