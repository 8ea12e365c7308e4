//! A world with a registered book, and the venue's instructions as its users would build them.

use anchor_lang::{AnchorDeserialize, Discriminator, InstructionData, ToAccountMetas, event::EVENT_IX_TAG_LE};
use example_venue::{
    ID,
    constants::{AUTHORITY_SEED, BOOK_SEED, REQUEST_SEED},
    error::VenueError,
    instructions::{QuotePostArgs, RequestOpenArgs},
    margin_engine::types::{Instrument as Declared, InstrumentKind as DeclaredKind},
    state::Request,
};
use margin_client::{
    PROGRAM_ID, addresses,
    instructions::{MarginCheckArgs, MarginQuoteArgs, TradeLeg},
    state::{Instrument, InstrumentKind, MarginAccount},
};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{BTC, NEAR, Receipt, Trader, World, built_program, call, usd};

/// What the tests ask for, unless they are about other instruments.
pub fn option() -> Instrument {
    call(BTC, NEAR, 100_000)
}

pub struct Desk {
    pub world: World,
    pub operator: Keypair,
    pub book: Pubkey,
    /// The venue's authority.
    pub authority: Pubkey,
}

impl Desk {
    /// With the default market and a book that the admin has registered.
    pub fn new() -> Self {
        let mut desk = Self::unregistered();
        desk.world.register_venue(desk.authority);
        desk
    }

    pub fn unregistered() -> Self {
        let mut world = World::new();
        world.svm.add_program(ID, &built_program("example-venue")).expect("a program that the virtual machine accepts");
        let operator = Keypair::new();
        world.svm.airdrop(&operator.pubkey(), 1_000_000_000).expect("an airdrop");
        let (book, authority) = addresses_of_book(&world.engine, &operator.pubkey());
        let open = book_open(&world.engine, &operator.pubkey());
        world.accept(open, &[&operator]);
        Self { world, operator, book, authority }
    }

    /// A trader who approved the venue.
    pub fn trader(&mut self, cash: f64) -> Trader {
        let trader = self.world.funded(cash);
        let limits = self.world.wide_limits();
        self.world.approve(&trader, self.authority, limits);
        trader
    }

    /// An order for the option: a minute of auction, two minutes in all.
    pub fn terms(&self, id: u64, lots: i64, limit: f64) -> RequestOpenArgs {
        RequestOpenArgs {
            id,
            instrument: declared(option()),
            lots,
            limit_price: usd(limit),
            auction_ends_at: self.world.now() + 60,
            expires_at: self.world.now() + 120,
            reduce_only: false,
        }
    }

    pub fn request_address(&self, taker: &Trader, id: u64) -> Pubkey {
        let seeds: [&[u8]; 4] = [REQUEST_SEED, self.book.as_ref(), taker.account.as_ref(), &id.to_le_bytes()];
        Pubkey::find_program_address(&seeds, &ID).0
    }

    pub fn request_open(&self, taker: &Trader, args: RequestOpenArgs) -> Instruction {
        let accounts = example_venue::accounts::RequestOpen {
            taker: taker.owner(),
            payer: self.world.payer.pubkey(),
            book: self.book,
            taker_account: taker.account,
            request: self.request_address(taker, args.id),
            system_program: Pubkey::default(),
            event_authority: event_authority(),
            program: ID,
        };
        build(&accounts, &example_venue::instruction::RequestOpen { args }, Vec::new())
    }

    /// Opens a request that must be accepted; returns its address.
    #[track_caller]
    pub fn request(&mut self, taker: &Trader, args: RequestOpenArgs) -> Pubkey {
        let id = args.id;
        let open = self.request_open(taker, args);
        self.accept(open, &[&taker.key]);
        self.request_address(taker, id)
    }

    pub fn request_cancel(&self, caller: Pubkey, taker_account: Option<Pubkey>, request: Pubkey) -> Instruction {
        let accounts = example_venue::accounts::RequestCancel {
            caller,
            taker_account,
            request,
            rent_recipient: self.world.payer.pubkey(),
            event_authority: event_authority(),
            program: ID,
        };
        build(&accounts, &example_venue::instruction::RequestCancel {}, Vec::new())
    }

    /// A quote for all of a request, good for half a minute.
    pub fn quote_args(&self, request: Pubkey, lots: i64, price: f64) -> QuotePostArgs {
        let instrument = self.load(request).instrument;
        let expires_at = self.world.now() + 30;
        QuotePostArgs { instrument, lots, price: usd(price), expires_at, reduce_only: false }
    }

    pub fn quote_post(&self, maker: &Trader, request: Pubkey, args: QuotePostArgs) -> Instruction {
        let accounts = example_venue::accounts::QuotePost {
            maker: maker.owner(),
            maker_account: maker.account,
            book: self.book,
            request,
            engine: self.world.engine,
            engine_program: PROGRAM_ID,
            event_authority: event_authority(),
            program: ID,
        };
        let leg = TradeLeg { instrument: engines(args.instrument), lots: -args.lots, price: args.price };
        let quote = MarginQuoteArgs { legs: vec![leg], transfers: Vec::new(), check: MarginCheckArgs::default() };
        let markets = self.world.directory.for_quote(&self.world.account(maker), &quote).expect("listed markets");
        build(&accounts, &example_venue::instruction::QuotePost { args }, markets)
    }

    /// Posts a quote that must be accepted.
    #[track_caller]
    pub fn quote(&mut self, maker: &Trader, request: Pubkey, lots: i64, price: f64) -> Receipt {
        let args = self.quote_args(request, lots, price);
        let post = self.quote_post(maker, request, args);
        self.accept(post, &[&maker.key])
    }

    pub fn quote_withdraw(&self, maker: &Trader, request: Pubkey) -> Instruction {
        let accounts = example_venue::accounts::QuoteWithdraw {
            maker: maker.owner(),
            maker_account: maker.account,
            request,
            event_authority: event_authority(),
            program: ID,
        };
        build(&accounts, &example_venue::instruction::QuoteWithdraw {}, Vec::new())
    }

    /// A fill of a request, by anyone, from the quotes of some makers.
    pub fn fill(&self, caller: Pubkey, request: Pubkey, taker: &Trader, makers: &[&Trader]) -> Fill {
        let mut parties: Vec<_> = vec![self.world.account(taker)];
        parties.extend(makers.iter().map(|maker| self.world.account(maker)));
        let parties: Vec<&MarginAccount> = parties.iter().map(|state| &**state).collect();
        let instrument = engines(self.load(request).instrument);
        let legs = [TradeLeg { instrument, lots: 1, price: 0 }];
        let accounts = example_venue::accounts::RequestFill {
            caller,
            book: self.book,
            request,
            rent_recipient: self.world.payer.pubkey(),
            taker_account: taker.account,
            authority: self.authority,
            venue: addresses::venue(&self.world.engine, &self.authority),
            engine: self.world.engine,
            engine_event_authority: addresses::event_authority(),
            engine_program: PROGRAM_ID,
            event_authority: event_authority(),
            program: ID,
        };
        Fill {
            accounts,
            makers: makers.iter().map(|maker| maker.account).collect(),
            markets: self.world.directory.for_fills(&parties, &legs).expect("listed markets"),
        }
    }

    /// The request as it is stored.
    pub fn load(&self, request: Pubkey) -> Request {
        let account = self.world.svm.get_account(&request).expect("an open request");
        Request::deserialize(&mut &account.data[Request::DISCRIMINATOR.len()..]).expect("a request")
    }

    pub fn is_open(&self, request: Pubkey) -> bool {
        self.world.svm.get_account(&request).is_some_and(|account| account.lamports > 0)
    }

    #[track_caller]
    pub fn accept(&mut self, instruction: Instruction, signers: &[&Keypair]) -> Receipt {
        self.world.accept(instruction, signers)
    }

    /// Sends an instruction that the venue must refuse with `error`; nothing changes in the engine or the venue.
    #[track_caller]
    pub fn refuse(&mut self, instruction: Instruction, signers: &[&Keypair], error: VenueError) {
        self.refuse_code(instruction, signers, u32::from(error), &error.name());
    }

    /// The same for any code, such as one of the engine's.
    #[track_caller]
    pub fn refuse_code(&mut self, instruction: Instruction, signers: &[&Keypair], code: u32, name: &str) {
        let before = self.stored();
        self.world.refuse_code(instruction, signers, code, name);
        assert_eq!(self.stored(), before, "a refused instruction changes nothing");
    }

    fn stored(&self) -> Vec<(Pubkey, Account)> {
        let mut accounts = self.world.svm.get_program_accounts(&ID);
        accounts.sort_by_key(|(key, _)| *key);
        accounts
    }
}

/// A `request_fill` before it is an instruction, so that a test can spoil it.
#[derive(Clone)]
pub struct Fill {
    pub accounts: example_venue::accounts::RequestFill,
    pub makers: Vec<Pubkey>,
    pub markets: Vec<AccountMeta>,
}

impl Fill {
    pub fn instruction(self) -> Instruction {
        let makers = self.makers.len() as u8;
        let mut rest: Vec<AccountMeta> = self.makers.into_iter().map(|key| AccountMeta::new(key, false)).collect();
        rest.extend(self.markets);
        build(&self.accounts, &example_venue::instruction::RequestFill { makers }, rest)
    }
}

pub fn book_open(engine: &Pubkey, operator: &Pubkey) -> Instruction {
    let accounts = example_venue::accounts::BookOpen {
        operator: *operator,
        engine: *engine,
        book: addresses_of_book(engine, operator).0,
        system_program: Pubkey::default(),
        event_authority: event_authority(),
        program: ID,
    };
    build(&accounts, &example_venue::instruction::BookOpen {}, Vec::new())
}

/// A book and its authority.
pub fn addresses_of_book(engine: &Pubkey, operator: &Pubkey) -> (Pubkey, Pubkey) {
    let book = Pubkey::find_program_address(&[BOOK_SEED, engine.as_ref(), operator.as_ref()], &ID).0;
    (book, Pubkey::find_program_address(&[AUTHORITY_SEED, book.as_ref()], &ID).0)
}

/// The venue's events of one type.
pub fn events<E: AnchorDeserialize + Discriminator>(receipt: &Receipt) -> Vec<E> {
    let bodies =
        receipt.inner_of(ID).filter_map(|data| data.strip_prefix(EVENT_IX_TAG_LE)?.strip_prefix(E::DISCRIMINATOR));
    bodies.map(|body| E::try_from_slice(body).expect("an event of this type")).collect()
}

/// The engine's instrument as the venue's program declares it, and back.
pub fn declared(instrument: Instrument) -> Declared {
    let kind = match instrument.kind {
        InstrumentKind::Perpetual => DeclaredKind::Perpetual,
        InstrumentKind::Call => DeclaredKind::Call,
        InstrumentKind::Put => DeclaredKind::Put,
        InstrumentKind::Future => DeclaredKind::Future,
        InstrumentKind::DigitalCall => DeclaredKind::DigitalCall,
        InstrumentKind::DigitalPut => DeclaredKind::DigitalPut,
    };
    let Instrument { underlying, expiry, strike, .. } = instrument;
    Declared { underlying, expiry, strike, kind }
}

pub fn engines(instrument: Declared) -> Instrument {
    let Declared { underlying, expiry, strike, kind } = instrument;
    let kind = InstrumentKind::from_byte(kind as u8).expect("the same kinds");
    Instrument { underlying, expiry, strike, kind }
}

fn event_authority() -> Pubkey {
    Pubkey::find_program_address(&[b"__event_authority"], &ID).0
}

fn build(accounts: &impl ToAccountMetas, data: &impl InstructionData, rest: Vec<AccountMeta>) -> Instruction {
    let mut metas = accounts.to_account_metas(None);
    metas.extend(rest);
    Instruction { program_id: ID, accounts: metas, data: data.data() }
}
