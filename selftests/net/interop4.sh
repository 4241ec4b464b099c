#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600
#
# interop4.sh - IPv4 against the kernel's own xfrm: see matrix.sh
# shellcheck source=selftests/net/matrix.sh
. ./matrix.sh
matrix 4 tunnel transport
