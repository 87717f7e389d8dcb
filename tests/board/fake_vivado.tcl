# Stands in for Vivado: runs an emitted script, writes down every command that Vivado would have to know, and lets
# launch_runs leave the files that a build leaves. Called as Vivado is.
set log [open $::env(FAKE_VIVADO_LOG) w]
proc note {words} {
    puts $::log $words
    flush $::log
}
proc unknown {args} {
    note $args
    return [lindex $args end]
}
proc get_ipdefs {pattern} {
    note [list get_ipdefs $pattern]
    return [list [string map {* 1.0} $pattern] [string map {* 7.1} $pattern] [string map {* 10.0} $pattern]]
}
proc get_board_parts {args} {
    note [concat get_board_parts $args]
    return $::env(FAKE_VIVADO_BOARDS)
}
proc get_property {name args} {
    note [concat get_property $name $args]
    return [expr {$name eq "PROGRESS" ? $::env(FAKE_VIVADO_PROGRESS) : $::env(FAKE_VIVADO_SLACK)}]
}
proc create_project {args} {
    note [concat create_project $args]
    set ::project [lindex $args end]
}
proc launch_runs {args} {
    note [concat launch_runs $args]
    foreach {folder name} {
        onespike.runs/impl_1 design_wrapper.bit
        onespike.gen/sources_1/bd/design/hw_handoff design.hwh
    } {
        file mkdir [file join $::project $folder]
        close [open [file join $::project $folder $name] w]
    }
}
source [lindex $argv end]
