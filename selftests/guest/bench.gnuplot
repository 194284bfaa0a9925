# SPDX-License-Identifier: GPL-2.0
#
# Plots what bench.sh measured: gnuplot -c bench.gnuplot SIZES READERS FOLDER
#
# SIZES: a line for each size of a value, READERS: a line for each number of readers, with a column
# for each way that the first line names. FOLDER receives bench-sizes.svg and bench-stalled.svg.

set terminal svg noenhanced size 900,560 dynamic background rgb "white" font "sans-serif,14"
set datafile missing "-"
set key outside right autotitle columnhead
set logscale xy
set grid
set ylabel "instructions of a value"
set style data linespoints
set pointsize 0.8

columns(file) = int(system("awk 'NR == 1 { print NF }' '".file."'"))

set output ARG3."/bench-sizes.svg"
set title "A value from its sender to its reader, in batches where it can be"
set xlabel "bytes of the value"
set xtics (8, 64, 512, 64000)
plot for [way=2:columns(ARG1)] ARG1 using 1:way linewidth 2

set output ARG3."/bench-stalled.svg"
set title "To send a value of 64 bytes beside readers that have stopped"
set xlabel "readers"
set xtics (1, 8, 64)
plot for [way=2:columns(ARG2)] ARG2 using 1:way linewidth 2
