/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * esp.h - the ESP transform (RFC 4303), as other rooms see it
 */
#ifndef ESPL_ESP_H
#define ESPL_ESP_H

#include "sad.h"

/*
 * What follows a cipher run: called once, BH off and under RCU, from the
 * caller's own stack or from the crypto's. @err is 0, -EBADMSG for a bad ICV,
 * -ENOMEM, or another error of the cipher.
 */
typedef void (*espl_esp_done)(struct sk_buff *skb, int err);

bool espl_esp_available(const struct espl_alg *alg);
int espl_esp_init_sa(struct espl_sa *sa);
void espl_esp_fini_sa(struct espl_sa *sa);

unsigned int espl_esp_overhead(const struct espl_sa *sa, unsigned int payload);
unsigned int espl_esp_mtu(const struct espl_sa *sa, unsigned int room);
unsigned int espl_esp_plain(const struct sk_buff *skb,
			    const struct espl_sa *sa);
void espl_esp_seal(struct sk_buff *skb, struct espl_sa *sa, u32 seq,
		   espl_esp_done done);
bool espl_esp_length_ok(const struct espl_sa *sa, unsigned int len);
void espl_esp_open(struct sk_buff *skb, struct espl_sa *sa, espl_esp_done done);

#endif
