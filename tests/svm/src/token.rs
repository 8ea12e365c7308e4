//! Mints and token accounts, made by the real token programs.

use litesvm::LiteSVM;
use margin_client::instructions::CollateralAddresses;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_token_2022_interface::{
    extension::{
        ExtensionType, StateWithExtensions, default_account_state, interest_bearing_mint, metadata_pointer, pausable,
        transfer_fee, transfer_hook,
    },
    instruction as token,
    state::{Account as TokenAccount, AccountState, Mint},
};

use crate::World;

pub const TOKEN_2022_PROGRAM: Pubkey = spl_token_2022_interface::ID;
pub const TOKEN_PROGRAM: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");

/// A token whose mint authority is the world's admin.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub mint: Pubkey,
    pub program: Pubkey,
    pub decimals: u8,
}

impl Token {
    /// Addresses of its listing in an engine.
    #[must_use]
    pub fn collateral(&self, engine: &Pubkey) -> CollateralAddresses {
        CollateralAddresses::derive(engine, &self.mint, &self.program)
    }
}

/// How a mint is made.
#[derive(Clone, Debug)]
pub struct MintOptions {
    pub decimals: u8,
    pub program: Pubkey,
    pub freeze_authority: bool,
    /// Token-2022 only.
    pub extensions: Vec<ExtensionType>,
}

impl MintOptions {
    /// A classic SPL mint.
    #[must_use]
    pub fn spl(decimals: u8) -> Self {
        Self { decimals, program: TOKEN_PROGRAM, freeze_authority: false, extensions: Vec::new() }
    }

    /// A Token-2022 mint with the given extensions.
    #[must_use]
    pub fn token_2022(decimals: u8, extensions: &[ExtensionType]) -> Self {
        Self { program: TOKEN_2022_PROGRAM, extensions: extensions.to_vec(), ..Self::spl(decimals) }
    }
}

/// Initialises an extension of a mint; each one gives `authority` what the extension has to give.
fn initialize_extension(extension: ExtensionType, mint: &Pubkey, authority: &Pubkey) -> Instruction {
    let program = &TOKEN_2022_PROGRAM;
    let somebody = Some(*authority);
    match extension {
        // Also a fee of zero is a fee that may rise.
        ExtensionType::TransferFeeConfig => transfer_fee::instruction::initialize_transfer_fee_config(
            program,
            mint,
            somebody.as_ref(),
            somebody.as_ref(),
            0,
            0,
        ),
        ExtensionType::TransferHook => {
            transfer_hook::instruction::initialize(program, mint, somebody, Some(Pubkey::new_unique()))
        }
        ExtensionType::PermanentDelegate => token::initialize_permanent_delegate(program, mint, authority),
        ExtensionType::DefaultAccountState => {
            default_account_state::instruction::initialize_default_account_state(program, mint, &AccountState::Frozen)
        }
        ExtensionType::Pausable => pausable::instruction::initialize(program, mint, authority),
        ExtensionType::MintCloseAuthority => token::initialize_mint_close_authority(program, mint, somebody.as_ref()),
        ExtensionType::NonTransferable => token::initialize_non_transferable_mint(program, mint),
        ExtensionType::InterestBearingConfig => {
            interest_bearing_mint::instruction::initialize(program, mint, somebody, 500)
        }
        ExtensionType::MetadataPointer => {
            metadata_pointer::instruction::initialize(program, mint, somebody, Some(*mint))
        }
        other => panic!("no test needs a mint with {other:?}"),
    }
    .expect("a well-formed instruction")
}

/// Balance of a token account of either program.
#[must_use]
pub fn token_balance(svm: &LiteSVM, address: &Pubkey) -> u64 {
    let account = svm.get_account(address).unwrap_or_else(|| panic!("no token account {address}"));
    StateWithExtensions::<TokenAccount>::unpack(&account.data).expect("a token account").base.amount
}

impl World {
    /// Creates a mint.
    pub fn mint(&mut self, options: &MintOptions) -> Token {
        let MintOptions { decimals, program, .. } = *options;
        let key = Keypair::new();
        let (mint, authority) = (key.pubkey(), self.admin.pubkey());
        let space = ExtensionType::try_calculate_account_len::<Mint>(&options.extensions).expect("fixed lengths");
        let rent = self.svm.minimum_balance_for_rent_exemption(space);
        let mut instructions = vec![create_account(&self.payer.pubkey(), &mint, rent, space as u64, &program)];
        instructions
            .extend(options.extensions.iter().map(|extension| initialize_extension(*extension, &mint, &authority)));
        let freeze = (options.freeze_authority || options.extensions.contains(&ExtensionType::DefaultAccountState))
            .then_some(&authority);
        instructions.push(token::initialize_mint2(&program, &mint, &authority, freeze, decimals).expect("a mint"));
        self.send(&instructions, &[&key]).expect("the token program creates the mint");
        Token { mint, program, decimals }
    }

    /// Creates an empty token account.
    pub fn wallet(&mut self, owner: &Pubkey, token: Token) -> Pubkey {
        let key = Keypair::new();
        let address = key.pubkey();
        let space = ExtensionType::try_calculate_account_len::<TokenAccount>(&[]).expect("a fixed length");
        let rent = self.svm.minimum_balance_for_rent_exemption(space);
        let create = create_account(&self.payer.pubkey(), &address, rent, space as u64, &token.program);
        let initialize =
            token::initialize_account3(&token.program, &address, &token.mint, owner).expect("an instruction");
        self.send(&[create, initialize], &[&key]).expect("the token program creates the account");
        address
    }

    /// Mints tokens into a token account.
    pub fn mint_to(&mut self, token: Token, wallet: &Pubkey, amount: u64) {
        let authority = self.admin.insecure_clone();
        let mint = token::mint_to(&token.program, &token.mint, wallet, &authority.pubkey(), &[], amount);
        self.send(&[mint.expect("an instruction")], &[&authority]).expect("the token program mints");
    }

    /// Freezes a token account, as the issuer of a token with a freeze authority may.
    pub fn freeze(&mut self, token: Token, account: &Pubkey) {
        let authority = self.admin.insecure_clone();
        let freeze = token::freeze_account(&token.program, account, &token.mint, &authority.pubkey(), &[]);
        self.send(&[freeze.expect("an instruction")], &[&authority]).expect("the token program freezes");
    }
}
