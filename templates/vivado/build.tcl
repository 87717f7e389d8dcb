# From the folder to the bitstream: vivado -mode batch -source build.tcl
#
# Writes build/ beside this file; on a board with processors design.bit and design.hwh then lie in driver/.
source [file join [file dirname [file normalize [info script]]] settings.tcl]
source [file join $here package_ip.tcl]
if {$system eq "ip"} {
    puts "ONESPIKE: the IP is in $ip_folder; add that folder to the IP repositories of your own design"
    exit 0
}

create_project -force -part $part onespike [file join $build project]
set boards [get_board_parts -quiet -latest_file_version "$board_part:*"]
set has_board [expr {[llength $boards] > 0}]
if {$has_board} {
    set_property board_part [lindex $boards 0] [current_project]
} else {
    puts "ONESPIKE: the files of $board_part are not installed; its presets are left out"
}
set_property ip_repo_paths $ip_folder [current_project]
update_ip_catalog

source [file join $here systems $system.tcl]
source [file join $here block_design.tcl]
add_files -norecurse [make_wrapper -files [get_files design.bd] -top]
set_property top design_wrapper [current_fileset]
add_files -fileset constrs_1 -norecurse [file join $here constraints.xdc]

launch_runs impl_1 -to_step write_bitstream -jobs 4
wait_on_run impl_1
if {[get_property PROGRESS [get_runs impl_1]] ne "100%"} {
    error "ONESPIKE: no bitstream; the logs are under [file join $build project onespike.runs]"
}
open_run impl_1
report_utilization -file [file join $build utilization.txt]
report_timing_summary -file [file join $build timing.txt]
set slack [get_property STATS.WNS [get_runs impl_1]]
if {$slack < 0} {
    error "ONESPIKE: $clock_mhz MHz are missed by $slack ns; lower clock_mhz in the board's file, or its lut_budget"
}

set bit [file join $build project onespike.runs impl_1 design_wrapper.bit]
# Vivado before 2020.2 keeps the handoff in .srcs
set handoff [lindex [glob -nocomplain [file join $build project onespike.{gen,srcs} sources_1 bd design hw_handoff design.hwh]] 0]
set target [expr {[file isdirectory [file join $root driver]] ? [file join $root driver] : $build}]
file copy -force $bit [file join $target design.bit]
file copy -force $handoff [file join $target design.hwh]
puts "ONESPIKE: [file join $target design.bit], slack $slack ns at $clock_mhz MHz"
