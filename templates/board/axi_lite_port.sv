`timescale 1ns / 1ps
// An AXI4-Lite slave of 32 bits in front of a register file: one access at a time, each in one clock.
//
// In the clock in which `write` or `read` stands, `address`, `wdata` and `wmask` hold, and the register file answers with
// `rdata` and `error`; an error becomes SLVERR. It has no addresses of its own and never waits for the register file.
module axi_lite_port #(
    parameter AW = 12
) (
    input  wire          clk,
    input  wire          rst,
    // AXI4-Lite
    input  wire          s_axi_awvalid,
    output wire          s_axi_awready,
    input  wire [AW-1:0] s_axi_awaddr,
    input  wire          s_axi_wvalid,
    output wire          s_axi_wready,
    input  wire [31:0]   s_axi_wdata,
    input  wire [3:0]    s_axi_wstrb,
    output reg           s_axi_bvalid,
    input  wire          s_axi_bready,
    output reg  [1:0]    s_axi_bresp,
    input  wire          s_axi_arvalid,
    output wire          s_axi_arready,
    input  wire [AW-1:0] s_axi_araddr,
    output reg           s_axi_rvalid,
    input  wire          s_axi_rready,
    output reg  [31:0]   s_axi_rdata,
    output reg  [1:0]    s_axi_rresp,
    // the register file
    output wire          write,
    output wire          read,
    output wire [AW-3:0] address,
    output wire [31:0]   wdata,
    output wire [31:0]   wmask,
    input  wire [31:0]   rdata,
    input  wire          error
);
    localparam [1:0] OKAY = 2'b00, SLVERR = 2'b10;

    // Reads and writes take turns where both wait, so that neither can starve the other.
    reg read_turn;
    wire can_write = !rst && s_axi_awvalid && s_axi_wvalid && !s_axi_bvalid;
    wire can_read = !rst && s_axi_arvalid && !s_axi_rvalid;
    assign write = can_write && !(can_read && read_turn);
    assign read = can_read && !write;
    assign s_axi_awready = write;
    assign s_axi_wready = write;
    assign s_axi_arready = read;
    assign address = write ? s_axi_awaddr[AW-1:2] : s_axi_araddr[AW-1:2];
    assign wdata = s_axi_wdata;
    assign wmask = {{8{s_axi_wstrb[3]}}, {8{s_axi_wstrb[2]}}, {8{s_axi_wstrb[1]}}, {8{s_axi_wstrb[0]}}};
    wire unused = &{1'b0, s_axi_awaddr[1:0], s_axi_araddr[1:0]};

    always @(posedge clk) begin
        if (rst) begin
            s_axi_bvalid <= 1'b0;
            s_axi_rvalid <= 1'b0;
            read_turn <= 1'b0;
        end else begin
            if (write) s_axi_bvalid <= 1'b1;
            else if (s_axi_bready) s_axi_bvalid <= 1'b0;
            if (read) s_axi_rvalid <= 1'b1;
            else if (s_axi_rready) s_axi_rvalid <= 1'b0;
            if (write || read) read_turn <= write;
        end
        if (write) s_axi_bresp <= error ? SLVERR : OKAY;
        if (read) begin
            s_axi_rresp <= error ? SLVERR : OKAY;
            s_axi_rdata <= rdata;
        end
    end
endmodule
